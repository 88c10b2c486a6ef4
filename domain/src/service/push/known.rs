//! What the rows of a push name, each thing looked up once for all of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::{
    Session,
    references::archived,
    session::{HAS_LEFT, NO_STEWARD},
};
use crate::{
    access::Needs,
    error::{Problem, ProblemCode, Problems, Result},
    id::{CommunityId, IndicatorId, NodeRef, SourceId},
    indicator::{Indicator, IndicatorVersion, IndicatorVersionParent, in_force},
    key::Code,
    push::{CommunityRef, IndicatorRef, Push, PushRow, SourceRef},
    record::Stored,
    series::Series,
};

/// What rows refer to, each thing looked up once.
pub(super) struct Known {
    communities: HashMap<CommunityRef, CommunityId>,
    versions: HashMap<IndicatorRef, Definition>,
    sources: HashMap<SourceRef, SourceId>,
    departed: HashSet<CommunityId>,
    archived: HashSet<NodeRef>,
    refused: HashSet<(CommunityId, IndicatorId)>,
    /// The communities whose figures the push wants to restate, and may not.
    unrestated: HashSet<CommunityId>,
}

/// A definition with its indicator.
#[derive(Clone)]
struct Definition {
    version: Stored<IndicatorVersion>,
    indicator: Stored<Indicator>,
    /// Whether communities have figures of this kind.
    of_a_community: std::result::Result<(), Problem>,
}

impl Definition {
    fn new(indicator: Stored<Indicator>, version: Stored<IndicatorVersion>) -> Self {
        let mut problems = Problems::default();
        Series::check_kind(&indicator.value, &mut problems);
        let of_a_community = problems.iter().next().cloned().map_or(Ok(()), Err);
        Self { version, indicator, of_a_community }
    }
}

/// A row of which everything is known.
pub(super) struct Ready<'a> {
    pub(super) place: usize,
    pub(super) row: &'a PushRow,
    pub(super) series: Series,
    pub(super) definition: &'a IndicatorVersion,
}

impl Session {
    /// Looks up what the rows refer to: a statement or two for each kind of thing, however many rows there are.
    pub(super) async fn known(&self, push: &Push, today: chrono::NaiveDate) -> Result<Known> {
        let rows = || push.rows.iter().flatten();
        let communities = self.known_communities(rows().map(|row| &row.community).collect()).await?;
        let versions = self.known_versions(rows().map(|row| &row.indicator).collect(), today).await?;
        let sources = self.known_sources(rows().map(|row| &row.source).collect()).await?;
        let ids: HashSet<_> = communities.values().copied().collect();
        let departed = self.repositories().ingest().departed(&ids, today).await?;
        let pair =
            |row: &PushRow| Some((*communities.get(&row.community)?, versions.get(&row.indicator)?.version.indicator));
        let mut of_what: Vec<_> = rows().filter_map(pair).collect();
        of_what.sort_unstable();
        of_what.dedup();
        let refused: HashSet<_> = of_what
            .into_iter()
            .filter(|&(community, indicator)| {
                !Needs::to_submit(community, Some(indicator)).met_by(self.actor(), self.now())
            })
            .collect();
        let unrestated: HashSet<_> =
            ids.into_iter().filter(|&id| push.restatement.is_some() && !self.may_restate(id)).collect();
        let of: BTreeSet<_> =
            refused.iter().map(|(community, _)| *community).chain(unrestated.iter().copied()).collect();
        for community in of {
            self.refuse_figures_of(community);
        }
        let of_versions = versions
            .values()
            .flat_map(|Definition { version, indicator, .. }| [NodeRef::from(version.id), NodeRef::from(indicator.id)]);
        let named: Vec<NodeRef> = communities
            .values()
            .map(|&id| id.into())
            .chain(sources.values().map(|&id| id.into()))
            .chain(of_versions)
            .collect();
        let archived = self.repositories().archived(&named).await?;
        Ok(Known { communities, versions, sources, departed, archived, refused, unrestated })
    }

    async fn known_communities(&self, named: HashSet<&CommunityRef>) -> Result<HashMap<CommunityRef, CommunityId>> {
        let (mut ids, mut codes) = (Vec::new(), HashSet::new());
        for name in named {
            match name {
                CommunityRef::Id(id) => ids.push(*id),
                CommunityRef::Code(code) => drop(codes.insert(code.clone())),
            }
        }
        let references: Vec<NodeRef> = ids.iter().map(|&id| id.into()).collect();
        let missing = self.repositories().missing(&self.reader(), &references).await?;
        let found = ids.into_iter().filter(|&id| !missing.contains(&id.into())).map(|id| (CommunityRef::Id(id), id));
        let by_code = self.repositories().ingest().communities_by_code(&codes).await?;
        Ok(found.chain(by_code.into_iter().map(|(code, id)| (CommunityRef::Code(code), id))).collect())
    }

    async fn known_sources(&self, named: HashSet<&SourceRef>) -> Result<HashMap<SourceRef, SourceId>> {
        let (mut ids, mut keys) = (Vec::new(), Vec::new());
        for name in named {
            match name {
                SourceRef::Id(id) => ids.push(*id),
                SourceRef::Key(key) => keys.push(key.clone()),
            }
        }
        let references: Vec<NodeRef> = ids.iter().map(|&id| id.into()).collect();
        let missing = self.repositories().missing(&self.reader(), &references).await?;
        let mut found: HashMap<_, _> =
            ids.into_iter().filter(|&id| !missing.contains(&id.into())).map(|id| (SourceRef::Id(id), id)).collect();
        let keyed = self.repositories().sources().by_keys(&self.reader(), &keys).await?;
        found.extend(keyed.into_iter().map(|source| (SourceRef::Key(source.key.clone()), source.id)));
        Ok(found)
    }

    async fn known_versions(
        &self,
        named: HashSet<&IndicatorRef>,
        today: chrono::NaiveDate,
    ) -> Result<HashMap<IndicatorRef, Definition>> {
        let (mut ids, mut codes) = (Vec::new(), Vec::new());
        for name in named {
            match name {
                IndicatorRef::Version(id) => ids.push(*id),
                IndicatorRef::Code(code) => codes.push(code.clone()),
            }
        }
        let versions = self.repositories().indicator_versions().get(&self.reader(), &ids).await?;
        let mut found = HashMap::new();
        let of: HashSet<IndicatorId> = versions.iter().map(|version| version.indicator).collect();
        let indicators =
            self.repositories().indicators().get(&self.reader(), &of.into_iter().collect::<Vec<_>>()).await?;
        let indicators: HashMap<_, _> = indicators.into_iter().map(|indicator| (indicator.id, indicator)).collect();
        for version in versions {
            if let Some(indicator) = indicators.get(&version.indicator) {
                let definition = Definition::new(indicator.clone(), version);
                found.insert(IndicatorRef::Version(definition.version.id), definition);
            }
        }
        for (code, definition) in self.in_force(&codes, today).await? {
            found.insert(IndicatorRef::Code(code), definition);
        }
        Ok(found)
    }

    /// The definitions of the indicators with these codes that are in force.
    async fn in_force(&self, codes: &[Code], today: chrono::NaiveDate) -> Result<Vec<(Code, Definition)>> {
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        let indicators = self.repositories().indicators().by_keys(&self.reader(), codes).await?;
        let query = in_force(today);
        let ids: Vec<uuid::Uuid> = indicators.iter().map(|indicator| indicator.id.into()).collect();
        let repository = self.repositories().indicator_versions();
        let mut newest = repository.list_of(&self.reader(), IndicatorVersionParent::Indicator, &ids, &query).await?;
        Ok(indicators
            .into_iter()
            .filter_map(|indicator| {
                let version = newest.remove(&indicator.id.into())?.items.pop()?.1;
                Some((indicator.code.clone(), Definition::new(indicator, version)))
            })
            .collect())
    }
}

impl Known {
    /// The row with the series that it belongs to, once its figure is checked.
    pub(super) fn place<'a>(
        &'a self,
        place: usize,
        row: &'a PushRow,
        today: chrono::NaiveDate,
    ) -> std::result::Result<Ready<'a>, Problem> {
        let missing = |path, what| Problem::new(path, ProblemCode::NotFound, format!("there is no such {what}"));
        let community = *self.communities.get(&row.community).ok_or_else(|| missing("community", "community"))?;
        let definition = self.versions.get(&row.indicator).ok_or_else(|| match row.indicator {
            IndicatorRef::Version(_) => missing("indicatorVersion", "indicator version"),
            IndicatorRef::Code(_) => missing("indicator", "indicator with a version in force"),
        })?;
        let source = *self.sources.get(&row.source).ok_or_else(|| missing("source", "source"))?;
        let (indicator, version) = (&definition.indicator, &definition.version);
        if self.refused.contains(&(community, indicator.id)) {
            let message = "you may not record figures of this community by this indicator";
            return Err(Problem::new("community", ProblemCode::Forbidden, message));
        }
        if self.unrestated.contains(&community) {
            return Err(Problem::new("community", ProblemCode::Forbidden, NO_STEWARD));
        }
        let references: [(_, NodeRef); 4] = [
            ("community", community.into()),
            ("indicator", indicator.id.into()),
            ("indicatorVersion", version.id.into()),
            ("source", source.into()),
        ];
        if let Some((path, of)) = references.into_iter().find(|(_, of)| self.archived.contains(of)) {
            return Err(archived(path, of));
        }
        if self.departed.contains(&community) {
            return Err(Problem::new("community", ProblemCode::Conflict, HAS_LEFT));
        }
        definition.of_a_community.clone()?;
        row.figure.check(&version.value, row.period, today)?;
        let series = Series {
            community,
            indicator: indicator.id,
            indicator_version: version.id,
            source,
            disaggregation: row.disaggregation.clone(),
        };
        Ok(Ready { place, row, series, definition: &version.value })
    }
}
