//! Comparing the communities of a network by one indicator.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt::Write as _,
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::Services;
use crate::{
    access::{Actor, Scope},
    compare::{self, Candidate, Comparison, Earlier, Input, Withheld},
    error::{Error, ProblemCode, Problems, Result},
    event::Topic,
    id::{CommunityId, IndicatorId, NetworkId},
    indicator::{IndicatorVersion, IndicatorVersionFilter, IndicatorVersionSort, in_force_of},
    page::{Direction, ListQuery, MAX_PAGE, Order, PageArgs},
    period::Period,
    port::figures::{CandidateQuery, Member},
    record::Stored,
    series::Disaggregation,
    series_break::BreakReason,
    small_cells::SuppressionPolicy,
    target::{Target, TargetFilter, TargetParent},
};

/// How long a result is kept. It is found again only while every topic it depends on is at the version it was computed
/// for, so this bounds no error; it only lets a passed embargo show within a minute.
const CACHE_TIME: Duration = Duration::from_mins(1);

/// What to compare.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ComparisonRequest {
    /// The members of this network today.
    pub network: NetworkId,
    /// By this indicator, in the version now in force.
    pub indicator: IndicatorId,
    /// For this period; without it, by the newest values.
    pub period: Option<Period>,
    /// Change counted from this period; without it, from each community's declared baseline.
    pub baseline_period: Option<Period>,
    /// Only these members, in this order; without it, all.
    pub communities: Option<Vec<CommunityId>>,
    /// About this part of the population.
    pub disaggregation: Disaggregation,
    /// By figures, breaks of series and bridges as they were known at this moment; without it, as they are known now. Members,
    /// definitions, baselines and targets are those of today all the same.
    pub as_of: Option<DateTime<Utc>>,
}

impl Services {
    /// Compares communities. The network and the indicator are known to exist and to be visible to the actor.
    ///
    /// # Errors
    /// [`Error::Validation`] naming `communities` for one that is not a member, `indicator` for one without a version in
    /// force, `baselinePeriod` for one that does not lie before the period.
    pub async fn compare(&self, actor: &Actor, request: &ComparisonRequest) -> Result<Comparison> {
        let comparison = self.comparison(actor, request).await?;
        let read = comparison.entries.iter().filter(|entry| entry.cell.is_some()).map(|entry| entry.community);
        self.note_reading(actor, "a comparison", read.collect::<Vec<_>>()).await?;
        self.note_reading(actor, "a total", comparison.counted.iter().copied()).await?;
        Ok(comparison)
    }

    async fn comparison(&self, actor: &Actor, request: &ComparisonRequest) -> Result<Comparison> {
        if let (Some(period), Some(baseline)) = (request.period, request.baseline_period)
            && baseline.end() > period.start()
        {
            let message = format!("{baseline} does not lie before {period}");
            return Err(Error::invalid("baselinePeriod", ProblemCode::OutOfRange, message));
        }
        let topics = [Topic::Communities, Topic::Network(request.network), Topic::Indicator(request.indicator)];
        // Read before the figures: whatever is computed is at least as new as the versions it is kept under.
        let versions = self.store.read().topic_versions(&topics).await?;
        let key = self.cache_key(&self.scope(actor), request, &versions);
        if let Some(kept) = self.cache.get(&key).await.and_then(|bytes| postcard::from_bytes(&bytes).ok()) {
            return Ok(kept);
        }
        let comparison = compare::compare(&self.comparison_input(actor, request).await?);
        if let Ok(bytes) = postcard::to_allocvec(&comparison) {
            self.cache.put(&key, bytes, CACHE_TIME).await;
        }
        Ok(comparison)
    }

    /// Everything the result depends on, spelled out: nothing is hashed, so nothing can collide.
    fn cache_key(&self, scope: &Scope, request: &ComparisonRequest, versions: &[i64]) -> String {
        let text = |period: Option<Period>| period.map(|period| period.to_string()).unwrap_or_default();
        let mut key = format!(
            "comparison:8:{}:{}:{}:{}:{}:{}:{}:{}:{versions:?}",
            scope.cache_key(),
            self.clock.today(),
            request.network,
            request.indicator,
            text(request.period),
            text(request.baseline_period),
            request.disaggregation,
            request.as_of.map(|moment| moment.to_rfc3339()).unwrap_or_default(),
        );
        for community in request.communities.iter().flatten() {
            // Writing to a String cannot fail.
            let _ = write!(key, ":{community}");
        }
        if request.communities.as_ref().is_some_and(Vec::is_empty) {
            key.push_str(":none");
        }
        key
    }

    async fn comparison_input(&self, actor: &Actor, request: &ComparisonRequest) -> Result<Input> {
        let reader = self.store.read();
        let versions = self.versions_of(request.indicator).await?;
        let version = in_force_of(&versions, self.clock.today()).map(|version| version.id).ok_or_else(|| {
            Error::invalid("indicator", ProblemCode::NotFound, "no version of the indicator is in force yet")
        })?;
        let members = reader.figures().members(request.network, self.clock.today()).await?;
        let members = chosen(members, request.communities.as_deref())?;
        let query = CandidateQuery {
            network: request.network,
            communities: members.iter().map(|member| member.community).collect(),
            indicator: request.indicator,
            disaggregation: request.disaggregation.clone(),
            period: request.period,
            baseline_period: request.baseline_period,
            as_of: request.as_of,
            now: self.clock.now(),
        };
        let targets = self.targets_of(actor, request).await?;
        // A part of the network, or a moment, is chosen by the reader: nothing is counted there that they do not see alone.
        let withheld = match (&request.communities, request.as_of) {
            (None, None) => self.withheld(actor, &query).await?,
            _ => Vec::new(),
        };
        let suppression = self.suppression(request.network).await?;
        // Last, because it is the largest: nothing else is waited for while it is held.
        let mut candidates = reader.figures().candidates(&self.scope(actor), &query).await?;
        if versions.len() > 1 && candidates.iter().any(|candidate| candidate.baseline.is_none()) {
            self.bridge(actor, &query, &versions, &mut candidates).await?;
        }
        Ok(Input { members, versions, version, candidates, withheld, suppression, targets, period: request.period })
    }

    /// What enters the total besides what the reader sees alone; nothing is asked for those who see no more than the public.
    async fn withheld(&self, actor: &Actor, query: &CandidateQuery) -> Result<Vec<Withheld>> {
        let scope = self.scope(actor);
        if scope.counted_in_totals(query.network, query.indicator).is_empty() {
            return Ok(Vec::new());
        }
        self.store.read().figures().withheld(&scope, query).await
    }

    /// Finds baselines by earlier versions for the candidates that have none, where bridges are declared.
    async fn bridge(
        &self,
        actor: &Actor,
        query: &CandidateQuery,
        versions: &[Stored<IndicatorVersion>],
        candidates: &mut [Candidate],
    ) -> Result<()> {
        let figures = self.store.read().figures();
        let breaks = figures.declared_breaks(query.indicator, query.as_of).await?;
        if !breaks.iter().any(|one| one.reason == BreakReason::Definition && one.bridge.is_some()) {
            return Ok(());
        }
        let before = CandidateQuery { period: query.baseline_period, baseline_period: None, ..query.clone() };
        let earlier = figures.candidates(&self.scope(actor), &before).await?;
        let series: BTreeSet<_> = candidates.iter().chain(&earlier).map(|candidate| candidate.series_id).collect();
        let earlier = Earlier {
            candidates: earlier,
            of_period: query.baseline_period.is_some(),
            breaks,
            marked: figures.marked_breaks(&series.into_iter().collect::<Vec<_>>(), query.as_of).await?,
            numbers: versions.iter().map(|version| (version.id, version.number)).collect(),
        };
        earlier.bridge(candidates);
        Ok(())
    }

    async fn suppression(&self, network: NetworkId) -> Result<SuppressionPolicy> {
        let found = self.store.read().networks().get(&Scope::Everything, &[network]).await?;
        Ok(found.first().map_or_else(SuppressionPolicy::default, |network| network.suppression))
    }

    async fn versions_of(&self, indicator: IndicatorId) -> Result<Vec<Stored<IndicatorVersion>>> {
        let query = ListQuery {
            filter: IndicatorVersionFilter { indicator: Some(indicator), ..IndicatorVersionFilter::default() },
            order: Order { by: IndicatorVersionSort::Number, direction: Direction::Descending },
            page: PageArgs::first(MAX_PAGE),
            ..ListQuery::default()
        };
        let page = self.store.read().indicator_versions().list(&Scope::Everything, &query).await?;
        Ok(page.items.into_iter().map(|(_, version)| version).collect())
    }

    /// The current targets of the network and of its communities on the indicator. They speak of everybody, so a
    /// comparison of a part of the population has none.
    async fn targets_of(&self, actor: &Actor, request: &ComparisonRequest) -> Result<Vec<Stored<Target>>> {
        if !request.disaggregation.is_total() {
            return Ok(Vec::new());
        }
        let mut targets = Vec::new();
        let mut query =
            ListQuery { filter: TargetFilter::default(), page: PageArgs::first(MAX_PAGE), ..ListQuery::default() };
        // An indicator can have a target in every community: all pages are read.
        loop {
            let ids = [request.indicator.into()];
            let mut pages =
                self.store.read().targets().list_of(&self.scope(actor), TargetParent::Indicator, &ids, &query).await?;
            let Some(page) = pages.remove(&request.indicator.into()) else { break };
            query.page.after = page.items.last().map(|(cursor, _)| cursor.clone());
            targets.extend(page.items.into_iter().map(|(_, target)| target));
            if !page.has_next {
                break;
            }
        }
        targets.retain(|target| target.network.is_none_or(|network| network == request.network));
        Ok(targets)
    }
}

/// The members asked for, in the order asked for.
fn chosen(members: Vec<Member>, asked: Option<&[CommunityId]>) -> Result<Vec<Member>> {
    let Some(asked) = asked else { return Ok(members) };
    let mut by_id: HashMap<_, _> = members.into_iter().map(|member| (member.community, member)).collect();
    let mut chosen = Vec::with_capacity(asked.len());
    let mut seen = HashSet::with_capacity(asked.len());
    let mut problems = Problems::default();
    for (index, community) in asked.iter().enumerate() {
        if let Some(member) = by_id.remove(community) {
            seen.insert(*community);
            chosen.push(member);
        } else if seen.contains(community) {
            problems.add(format!("communities.{index}"), ProblemCode::Taken, "it stands twice in this list");
        } else {
            problems.add(format!("communities.{index}"), ProblemCode::NotFound, "it is not a member of the network");
        }
    }
    problems.into_result()?;
    Ok(chosen)
}
