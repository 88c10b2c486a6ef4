//! Exporting figures.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::Services;
use crate::{
    access::{Actor, Scope},
    audit::{Action, NewEntry},
    community::Community,
    error::{Error, ProblemCode, Result},
    export::{
        ExportFilter, ExportOutline, ExportPage, ExportPart, ExportPlace, ExportRequest, ExportSpan, ExportedFigure,
    },
    id::{CommunityId, IndicatorId, IndicatorVersionId, SourceId},
    indicator::{
        Indicator, IndicatorVersion, IndicatorVersionFilter, IndicatorVersionParent, IndicatorVersionSort, in_force,
        in_force_at, numbered,
    },
    key::{Code, Slug},
    network::Network,
    observation::Observation,
    page::ListQuery,
    port::store::{Holds, Repositories},
    record::{Noun, Stored},
    series::Series,
    source::Source,
};

/// Records read by one statement.
const CHUNK: usize = 500;
/// Communities that one statement reads of at most, where they have few figures each.
const MOST_COMMUNITIES: usize = 64;

impl Services {
    /// Begins an export of the figures that the actor may read, and records that it was begun: nothing leaves unless that is kept.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the network; [`Error::Validation`] for a community that is not its member, for an indicator, source or
    /// definition that there is not, and for a definition of more than one indicator.
    pub async fn export_figures(&self, actor: &Actor, request: &ExportRequest) -> Result<FigureExport> {
        let (scope, at) = (self.scope(actor), self.clock.now());
        let repositories = self.store.read();
        let network = one(repositories, &scope, &request.network).await?;
        let members = self.members(&scope, &network).await?;
        let communities = chosen(&members, &request.communities)?;
        let indicators: Vec<Stored<Indicator>> = keyed(repositories, &scope, &request.indicators, "indicator").await?;
        let sources: Vec<Stored<Source>> = keyed(repositories, &scope, &request.sources, "source").await?;
        let ids: Vec<_> = indicators.iter().map(|record| record.id).collect();
        let definition = match request.definition {
            Some(number) => Some(definition(repositories, &scope, &ids, number).await?),
            None => None,
        };
        let filter = ExportFilter {
            communities: communities.iter().map(|community| community.id).collect(),
            indicators: Some(ids).filter(|ids| !ids.is_empty()),
            sources: Some(sources.iter().map(|record| record.id).collect()).filter(|ids: &Vec<_>| !ids.is_empty()),
            versions: definition.map(|definition| vec![definition]),
            span: request.span,
        };
        let entry = NewEntry::by(actor, at, Action::Export).on(network.id).of_network(network.id);
        self.record_entry(&entry.detail(&told(request))).await?;
        let parts = repositories.exports().parts(&scope, &filter, at).await?;
        let of_what = OfWhat::read(repositories, &scope, request, &parts, at).await?;
        let versions = Some(of_what.versions.keys().copied().collect());
        // A source that first gives a figure while the export runs is not among those that were looked up.
        let sources = Some(of_what.sources.keys().copied().collect());
        Ok(FigureExport {
            services: self.clone(),
            actor: actor.clone(),
            outline: of_what.outline(network, members, &parts, at),
            of_what,
            communities,
            filter: ExportFilter { versions, sources, ..filter },
            walk: Walk { next: 0, width: 1, after: None },
            noted: HashSet::new(),
        })
    }

    /// The members of a network that are not archived, by slug.
    async fn members(&self, scope: &Scope, network: &Stored<Network>) -> Result<Vec<Arc<Stored<Community>>>> {
        let repositories = self.store.read();
        let members = repositories.figures().members(network.id, self.clock.today()).await?;
        let ids: Vec<_> = members.iter().map(|member| member.community).collect();
        let mut members: Vec<_> = get::<Community>(repositories, scope, &ids)
            .await?
            .into_iter()
            .filter(|community| community.meta.archived_at.is_none())
            .map(Arc::new)
            .collect();
        members.sort_by(|a, b| a.slug.cmp(&b.slug));
        Ok(members)
    }
}

/// What the audit log says of an export.
fn told(request: &ExportRequest) -> String {
    let list = |what: &str, keys: Vec<&str>| match keys.len() {
        0 => String::new(),
        _ => format!("; {what} {}", keys.join(", ")),
    };
    let ExportSpan { from, until, as_of } = request.span;
    let one = |word: &str, one: Option<String>| one.map(|text| format!("; {word} {text}")).unwrap_or_default();
    let mut text = format!("figures as {}", request.format);
    text += &list("by", request.indicators.iter().map(Code::as_str).collect());
    text += &list("from", request.sources.iter().map(Code::as_str).collect());
    text += &list("of", request.communities.iter().map(Slug::as_str).collect());
    text += &one("under definition", request.definition.map(|number| number.to_string()));
    text += &one("beginning", from.map(|day| day.to_string()));
    text += &one("until", until.map(|day| day.to_string()));
    text + &one("as of", as_of.map(|moment| moment.to_rfc3339()))
}

async fn get<N: Noun>(repositories: &dyn Repositories, scope: &Scope, ids: &[N::Id]) -> Result<Vec<Stored<N>>>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        found.extend(Holds::<N>::repository(repositories).get(scope, ids).await?);
    }
    Ok(found)
}

async fn one(repositories: &dyn Repositories, scope: &Scope, slug: &Slug) -> Result<Arc<Stored<Network>>> {
    let found = repositories.networks().by_keys(scope, std::slice::from_ref(slug)).await?.pop();
    found.map(Arc::new).ok_or(Error::NotFound { noun: "Network", key: "network" })
}

/// The records with these keys, each of which must be there.
async fn keyed<N: Noun<Key = Code>>(
    repositories: &dyn Repositories,
    scope: &Scope,
    keys: &[Code],
    field: &'static str,
) -> Result<Vec<Stored<N>>>
where
    for<'a> dyn Repositories + 'a: Holds<N>,
{
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let found = Holds::<N>::repository(repositories).by_keys(scope, keys).await?;
    let missing = keys.iter().find(|key| !found.iter().any(|record| record.value.key() == Some(*key)));
    match missing {
        Some(key) => Err(Error::invalid(field, ProblemCode::NotFound, format!("there is no {field} “{key}”"))),
        None => Ok(found),
    }
}

/// The members that are named, or all of them.
fn chosen(members: &[Arc<Stored<Community>>], named: &[Slug]) -> Result<Vec<Arc<Stored<Community>>>> {
    let missing = named.iter().find(|slug| !members.iter().any(|member| member.slug == **slug));
    if let Some(slug) = missing {
        let message = format!("“{slug}” is not a member of the network");
        return Err(Error::invalid("community", ProblemCode::NotFound, message));
    }
    let wanted = |member: &&Arc<Stored<Community>>| named.is_empty() || named.contains(&member.slug);
    Ok(members.iter().filter(wanted).cloned().collect())
}

/// What figures are of, by identifier; few beside the figures themselves.
struct OfWhat {
    indicators: HashMap<IndicatorId, Arc<Stored<Indicator>>>,
    /// The definition of each that the figures are by.
    versions: HashMap<IndicatorVersionId, Arc<Stored<IndicatorVersion>>>,
    /// The other definitions, whose figures are left out.
    others: Vec<Stored<IndicatorVersion>>,
    sources: HashMap<SourceId, Arc<Stored<Source>>>,
}

impl OfWhat {
    async fn read(
        repositories: &dyn Repositories,
        scope: &Scope,
        request: &ExportRequest,
        parts: &[ExportPart],
        at: DateTime<Utc>,
    ) -> Result<Self> {
        let indicators: BTreeSet<_> = parts.iter().map(|part| part.indicator).collect();
        let indicators: Vec<_> = indicators.into_iter().collect();
        let sources: BTreeSet<_> = parts.iter().map(|part| part.source).collect();
        let sources: Vec<_> = sources.into_iter().collect();
        // As of a moment to come, it is the present that is known.
        let then = request.span.as_of.filter(|moment| *moment < at);
        let wanted = match (request.definition, then) {
            (Some(number), _) => numbered(number),
            (None, Some(moment)) => in_force_at(moment),
            (None, None) => in_force(at.date_naive()),
        };
        let versions = by_id(definitions(repositories, scope, &indicators, &wanted).await?);
        let others: BTreeSet<_> = parts.iter().map(|part| part.version).collect();
        let others: Vec<_> = others.into_iter().filter(|id| !versions.contains_key(id)).collect();
        Ok(Self {
            versions,
            others: get::<IndicatorVersion>(repositories, scope, &others).await?,
            indicators: by_id(get::<Indicator>(repositories, scope, &indicators).await?),
            sources: by_id(get::<Source>(repositories, scope, &sources).await?),
        })
    }

    fn outline(
        &self,
        network: Arc<Stored<Network>>,
        members: Vec<Arc<Stored<Community>>>,
        parts: &[ExportPart],
        at: DateTime<Utc>,
    ) -> ExportOutline {
        let kept: Vec<_> = parts.iter().filter(|part| self.versions.contains_key(&part.version)).collect();
        let kept_indicators: HashSet<_> = kept.iter().map(|part| part.indicator).collect();
        let kept_sources: HashSet<_> = kept.iter().map(|part| part.source).collect();
        let mut indicators: Vec<_> =
            self.indicators.values().filter(|record| kept_indicators.contains(&record.id)).cloned().collect();
        indicators.sort_by(|a, b| a.code.cmp(&b.code));
        let mut sources: Vec<_> =
            self.sources.values().filter(|record| kept_sources.contains(&record.id)).cloned().collect();
        sources.sort_by(|a, b| a.key.cmp(&b.key));
        let others: BTreeSet<_> = self
            .others
            .iter()
            .filter_map(|version| Some((self.indicators.get(&version.indicator)?.code.clone(), version.number)))
            .collect();
        let dimensions = kept.iter().flat_map(|part| part.disaggregation.iter()).map(|(name, _)| name.to_owned());
        ExportOutline {
            network,
            members,
            indicators,
            sources,
            dimensions: dimensions.collect(),
            other_definitions: others.into_iter().collect(),
            at,
        }
    }
}

fn by_id<N: Noun>(records: Vec<Stored<N>>) -> HashMap<N::Id, Arc<Stored<N>>> {
    records.into_iter().map(|record| (record.id, Arc::new(record))).collect()
}

/// The definition of each of these indicators that is asked for, where it has one.
async fn definitions(
    repositories: &dyn Repositories,
    scope: &Scope,
    indicators: &[IndicatorId],
    wanted: &ListQuery<IndicatorVersionFilter, IndicatorVersionSort>,
) -> Result<Vec<Stored<IndicatorVersion>>> {
    let mut found = Vec::new();
    for ids in indicators.chunks(CHUNK) {
        let ids: Vec<_> = ids.iter().copied().map(Into::into).collect();
        let versions = repositories.indicator_versions();
        let pages = versions.list_of(scope, IndicatorVersionParent::Indicator, &ids, wanted).await?;
        found.extend(pages.into_values().flat_map(|page| page.items).map(|(_, version)| version));
    }
    Ok(found)
}

/// The definition with this number of the one indicator that is asked for: numbers are counted within each.
async fn definition(
    repositories: &dyn Repositories,
    scope: &Scope,
    indicators: &[IndicatorId],
    number: i32,
) -> Result<IndicatorVersionId> {
    let &[indicator] = indicators else {
        let message = "a definition is one of a single indicator: name that";
        return Err(Error::invalid("indicator", ProblemCode::Required, message));
    };
    let found = definitions(repositories, scope, &[indicator], &numbered(number)).await?.pop();
    let missing = || format!("the indicator has no definition {number}");
    found.map(|version| version.id).ok_or_else(|| Error::invalid("definition", ProblemCode::NotFound, missing()))
}

/// How far an export is: at which community, how many are read of at once, and after which figure.
struct Walk {
    next: usize,
    width: usize,
    after: Option<ExportPlace>,
}

/// An export under way: figures in pieces, each as it is known and may be read when its piece is read.
pub struct FigureExport {
    services: Services,
    actor: Actor,
    outline: ExportOutline,
    of_what: OfWhat,
    communities: Vec<Arc<Stored<Community>>>,
    filter: ExportFilter,
    walk: Walk,
    /// Communities of which it is recorded already that they were read.
    noted: HashSet<CommunityId>,
}

impl FigureExport {
    /// What is known of it before its first figure.
    pub const fn outline(&self) -> &ExportOutline {
        &self.outline
    }

    /// The next figures, by community, indicator, source, disaggregation and period; none when it is complete.
    pub async fn next(&mut self) -> Result<Vec<ExportedFigure>> {
        loop {
            let window: Vec<_> = self.communities.iter().skip(self.walk.next).take(self.walk.width).cloned().collect();
            if window.is_empty() {
                return Ok(Vec::new());
            }
            let filter = ExportFilter {
                communities: window.iter().map(|community| community.id).collect(),
                ..self.filter.clone()
            };
            let (scope, now) = (self.services.scope(&self.actor), self.services.clock.now());
            let exports = self.services.store.read().exports();
            let ExportPage { figures, next } = exports.page(&scope, &filter, self.walk.after.as_ref(), now).await?;
            self.advance(next);
            if !figures.is_empty() {
                self.note(&figures).await?;
                return Ok(figures.into_iter().filter_map(|found| self.of_what(&window, found)).collect());
            }
        }
    }

    /// Goes on within a community that has more, else to as many others as seem to be small.
    fn advance(&mut self, next: Option<ExportPlace>) {
        if let Some(place) = next {
            let here = self.communities.iter().position(|community| community.slug.as_str() == place.community);
            self.walk = Walk { next: here.unwrap_or(self.communities.len()), width: 1, after: Some(place) };
        } else {
            let Walk { next, width, .. } = self.walk;
            self.walk = Walk { next: next + width, width: (width * 2).min(MOST_COMMUNITIES), after: None };
        }
    }

    /// Records before they are answered that data under an authority were read.
    async fn note(&mut self, figures: &[(Series, Observation)]) -> Result<()> {
        let read: HashSet<_> = figures.iter().map(|(series, _)| series.community).collect();
        let read: Vec<_> = read.into_iter().filter(|community| !self.noted.contains(community)).collect();
        self.services.note_reading(&self.actor, "figures, exported", read.iter().copied()).await?;
        self.noted.extend(read);
        Ok(())
    }

    /// A figure with all that it is of.
    fn of_what(&self, window: &[Arc<Stored<Community>>], found: (Series, Observation)) -> Option<ExportedFigure> {
        let (series, observation) = found;
        Some(ExportedFigure {
            community: Arc::clone(window.iter().find(|community| community.id == series.community)?),
            indicator: Arc::clone(self.of_what.indicators.get(&series.indicator)?),
            version: Arc::clone(self.of_what.versions.get(&series.indicator_version)?),
            source: Arc::clone(self.of_what.sources.get(&series.source)?),
            disaggregation: series.disaggregation,
            period: observation.period,
            figure: observation.figure,
        })
    }
}
