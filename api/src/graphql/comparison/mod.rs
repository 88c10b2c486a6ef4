//! Comparisons in the schema.

mod rows;

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use domain::{
    compare as noun,
    error::{Error, ProblemCode, Problems},
    id::{CommunityId, IndicatorId, NetworkId},
    key::Slug,
    service::ComparisonRequest,
};

use super::{
    community::Community,
    context::ContextExt as _,
    error::IntoGraphql as _,
    id,
    indicator::{Indicator, IndicatorVersion},
    input::{key, within},
    network::Network,
    observation::Observation,
    record::{by_id, referred},
    rows::Rows,
    scalars::{Date, DateTime, Period, whole},
    series::{DisaggregationInput, Series, disaggregation},
    source::Source,
    target::Target,
};

/// How far two figures measure the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Comparability")]
pub enum Comparability {
    /// The same definition, method and source.
    SameMeasurement,
    /// The same definition by another source: compare with care.
    SameMeasure,
    /// The same outcome by another definition: the numbers are not compared.
    SameOutcome,
}

/// What stands in the way of a comparison, or calls for care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Reason", name = "ComparabilityReason")]
pub enum Reason {
    /// The figure is for another period than the one compared.
    PeriodMismatch,
    /// The series breaks between the baseline and the figure.
    SeriesBreak,
    /// A declared break lies between the baseline and the figure, and a declared bridge leads over it: the change is counted from
    /// the baseline as the bridge converts it.
    Bridged,
    /// The unit is another.
    Unit,
    /// The figure is provisional, estimated, a forecast or not yet validated.
    Provisional,
    /// Few are counted: chance weighs heavily.
    SmallN,
    /// The figure is old beside the period compared.
    Stale,
    /// It comes from another source than most.
    SourceDiffers,
    /// It is measured by another definition.
    DefinitionDiffers,
    /// The community's boundaries changed between the baseline and the figure.
    GeographyChanged,
    /// The community's Indigenous data authority has not let it enter totals.
    AuthorityWithholds,
}

/// The most entries that are answered at once; what is computed of all of them is not cut.
pub const MOST_ENTRIES: usize = 1_000;

/// A comparison of communities by one indicator.
#[derive(Debug)]
pub struct Comparison {
    network: NetworkId,
    indicator: IndicatorId,
    result: Arc<noun::Comparison>,
}

/// A comparison of communities by one indicator. Values are in the unit of the definition; changes of percentages are in points.
#[Object]
impl Comparison {
    /// The network whose members are compared.
    async fn network(&self, ctx: &Context<'_>) -> async_graphql::Result<Network> {
        referred(ctx, self.network).await
    }

    /// What is compared.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Indicator> {
        referred(ctx, self.indicator).await
    }

    /// The definition compared: the one in force.
    async fn indicator_version(&self, ctx: &Context<'_>) -> async_graphql::Result<IndicatorVersion> {
        referred(ctx, self.result.version).await
    }

    /// The period compared: the one asked for, or that of most newest values; that of the total if no value is seen alone;
    /// nothing if nobody reports.
    async fn period(&self) -> Option<Period> {
        self.result.period.map(Into::into)
    }

    /// The source that most compared figures come from.
    async fn source(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Source>> {
        match self.result.source {
            Some(source) => by_id(ctx, source).await,
            None => Ok(None),
        }
    }

    /// One for every community, also for those that do not report; in the order asked for, or by id. What is compared is the same
    /// however many of them are asked for.
    async fn entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many, 0 to 1000.", default = 1000)] first: i32,
        #[graphql(desc = "After so many others.", default = 0)] skip: i32,
    ) -> async_graphql::Result<Rows<ComparisonEntry>> {
        let first = within("first", first, 0, MOST_ENTRIES).into_graphql()?;
        let skip = within("skip", skip, 0, i32::MAX as usize).into_graphql()?;
        let asked = || self.result.entries.iter().enumerate().skip(skip).take(first);
        let mut communities = if ctx.look_ahead().field("community").exists() {
            let ids: Vec<CommunityId> = asked().map(|(_, entry)| entry.community).collect();
            ctx.services().communities(ctx.actor(), &ids).await.into_graphql()?
        } else {
            HashMap::new()
        };
        let entry = |(place, entry): (usize, &noun::Entry)| ComparisonEntry {
            comparison: Arc::clone(&self.result),
            place,
            community: entry.community,
            loaded: communities.remove(&entry.community).map(Into::into),
        };
        Ok(Rows(asked().map(entry).collect()))
    }

    /// How the compared values spread over communities, each counted once; nothing if none is compared.
    async fn distribution(&self) -> Option<Distribution> {
        self.result.distribution.map(Into::into)
    }

    /// Who is in it, and who is missing.
    async fn coverage(&self) -> Coverage {
        self.result.coverage.into()
    }

    /// Change since the baseline over the fixed cohort of communities that have both figures for the same two periods.
    async fn cohort_change(&self) -> Option<CohortChange> {
        self.result.cohort_change.map(Into::into)
    }

    /// All compared communities together, where the indicator allows it: counts add, rates are the ratio of sums, and
    /// percentages are never averaged. Members and funders of the network also get what they may not see alone counted in,
    /// unless they ask for some of its communities only, and as far as no single figure can be worked out.
    async fn aggregate(&self) -> Option<Aggregate> {
        self.result.aggregate.map(Into::into)
    }
}

/// One community in a comparison.
pub struct ComparisonEntry {
    /// Shared by all its entries: a thousand copies of what is in memory already would be megabytes.
    comparison: Arc<noun::Comparison>,
    place: usize,
    community: CommunityId,
    /// The community, where it was asked for and so loaded with all others.
    loaded: Option<Community>,
}

impl ComparisonEntry {
    fn cell(&self) -> Option<&noun::Cell> {
        self.comparison.entries.get(self.place).and_then(|entry| entry.cell.as_ref())
    }
}

/// One community in a comparison.
#[Object]
impl ComparisonEntry {
    /// The community.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Community> {
        referred(ctx, self.community).await
    }

    /// The figure for the period compared, from the source compared before any other; without a value for that period the newest of
    /// that source, or else of any. Nothing if there is none.
    async fn current(&self) -> Option<Observation> {
        self.cell().map(|cell| cell.current.clone().into())
    }

    /// The figure that change is counted from.
    async fn baseline(&self) -> Option<Observation> {
        self.cell().and_then(|cell| cell.baseline.clone()).map(Into::into)
    }

    /// Whether that is the starting point that the community declared.
    async fn baseline_declared(&self) -> bool {
        self.cell().is_some_and(|cell| cell.baseline_declared)
    }

    /// The series that the figures belong to.
    async fn series(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Series>> {
        match self.cell() {
            Some(cell) => by_id(ctx, cell.series).await,
            None => Ok(None),
        }
    }

    /// The definition that the figure is by.
    async fn indicator_version(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<IndicatorVersion>> {
        match self.cell() {
            Some(cell) => by_id(ctx, cell.version).await,
            None => Ok(None),
        }
    }

    /// Where the figure comes from.
    async fn source(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Source>> {
        match self.cell() {
            Some(cell) => by_id(ctx, cell.source).await,
            None => Ok(None),
        }
    }

    /// Change since the baseline, v - v0; percentages in points. Nothing across definitions or a break of the series.
    async fn change(&self) -> Option<f64> {
        self.cell().and_then(|cell| cell.change)
    }

    /// 100 (v - v0) / |v0|; nothing for percentages, which report points, and where the baseline is zero.
    async fn percent_change(&self) -> Option<f64> {
        self.cell().and_then(|cell| cell.percent_change)
    }

    /// The change with its sign turned so that more is better; nothing for a neutral indicator.
    async fn improvement(&self) -> Option<f64> {
        self.cell().and_then(|cell| cell.improvement)
    }

    /// The target that applies, and how far it is away.
    async fn target(&self) -> Option<ComparisonTarget> {
        self.cell().and_then(|cell| cell.target.clone()).map(ComparisonTarget)
    }

    /// Place among the compared, itself left out: 100 (worse + ties / 2) / (N - 1). Nothing below five, nor for a neutral indicator.
    async fn percentile(&self) -> Option<f64> {
        self.cell().and_then(|cell| cell.percentile)
    }

    /// Place in the order from best to worst. A league table says more than the figures do: show the span with it.
    async fn rank(&self) -> Option<Rank> {
        self.cell().and_then(|cell| cell.rank).map(Into::into)
    }

    /// How far the figure measures the same as the others; nothing without a figure.
    async fn comparability(&self) -> Option<Comparability> {
        self.cell().map(|cell| cell.comparability.into())
    }

    /// What stands in the way of a comparison, or calls for care.
    async fn reasons(&self) -> Vec<Reason> {
        self.cell().into_iter().flat_map(|cell| cell.reasons.iter().copied().map(Into::into)).collect()
    }

    /// Whether the value enters distribution, percentiles, ranks and totals.
    async fn compared(&self) -> bool {
        self.cell().is_some_and(|cell| cell.compared)
    }
}

/// A target in a comparison, and how far it is away.
pub struct ComparisonTarget(noun::TargetFigure);

/// A target in a comparison, and how far it is away.
#[Object]
impl ComparisonTarget {
    /// The target.
    async fn target(&self, ctx: &Context<'_>) -> async_graphql::Result<Target> {
        referred(ctx, self.0.id).await
    }

    /// The global id of the target.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// The value to reach.
    async fn value(&self) -> f64 {
        self.0.value
    }

    /// By when.
    async fn due_on(&self) -> Date {
        self.0.due_on.into()
    }

    /// Whether the community set it itself; otherwise the network did.
    async fn own(&self) -> bool {
        self.0.own
    }

    /// How much is missing, counted so that zero or less means met; nothing for a neutral indicator.
    async fn gap(&self) -> Option<f64> {
        self.0.gap
    }

    /// 100 (v - v0) / (T - v0): 0 at the baseline, 100 at the target, not clamped. Nothing without a baseline.
    async fn progress(&self) -> Option<f64> {
        self.0.progress
    }
}

/// A place in the order from best (1) to worst. Equal values share the better place.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Rank {
    /// The place.
    pub position: u32,
    /// The best place that the 95 % limits leave open; nothing unless every compared figure has limits.
    pub best: Option<u32>,
    /// The worst place that they leave open.
    pub worst: Option<u32>,
}

impl From<noun::Rank> for Rank {
    fn from(noun::Rank { position, best, worst }: noun::Rank) -> Self {
        Self { position, best, worst }
    }
}

/// How values spread over communities, each counted once. Quartiles by linear interpolation (type 7 of Hyndman and Fan, 1996).
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Distribution {
    /// How many communities.
    pub count: u32,
    /// The smallest value.
    pub minimum: f64,
    /// A quarter of the communities lie below.
    pub lower_quartile: f64,
    /// Half lie below.
    pub median: f64,
    /// Three quarters lie below.
    pub upper_quartile: f64,
    /// The largest value.
    pub maximum: f64,
}

impl From<noun::Distribution> for Distribution {
    fn from(spread: noun::Distribution) -> Self {
        let noun::Distribution { count, minimum, lower_quartile, median, upper_quartile, maximum } = spread;
        Self { count, minimum, lower_quartile, median, upper_quartile, maximum }
    }
}

/// Who is in a comparison, and who is missing.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Coverage {
    /// Communities that were to be compared.
    pub expected: u32,
    /// Those with a figure that enters the comparison.
    pub reporting: u32,
    /// Persons in all of them, by their newest estimates; nothing if any has none.
    pub population_expected: Option<f64>,
    /// Persons in those that report; nothing if any of them has no estimate.
    pub population_reporting: Option<f64>,
}

impl From<noun::Coverage> for Coverage {
    fn from(coverage: noun::Coverage) -> Self {
        let noun::Coverage { expected, reporting, population_expected, population_reporting } = coverage;
        let (population_expected, population_reporting) =
            (population_expected.map(whole), population_reporting.map(whole));
        Self { expected, reporting, population_expected, population_reporting }
    }
}

/// Change since the baseline over a fixed cohort.
#[derive(Debug, Clone, SimpleObject)]
pub struct CohortChange {
    /// How many communities have both figures.
    pub communities: u32,
    /// The baseline period that they share.
    pub from: Period,
    /// The period compared.
    pub to: Period,
    /// The median of their changes.
    pub median_change: f64,
    /// How many improved; nothing for a neutral indicator.
    pub improved: Option<u32>,
    /// How many got worse; nothing for a neutral indicator.
    pub worsened: Option<u32>,
}

impl From<noun::CohortChange> for CohortChange {
    fn from(change: noun::CohortChange) -> Self {
        let noun::CohortChange { communities, from, to, median_change, improved, worsened } = change;
        Self { communities, from: from.into(), to: to.into(), median_change, improved, worsened }
    }
}

/// The figure of all compared communities together, and of those that are counted without being seen alone.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Aggregate {
    /// The sum, or multiplier x sum of numerators / sum of denominators.
    pub value: f64,
    /// Sum of numerators, for a ratio.
    pub numerator: Option<f64>,
    /// Sum of denominators, for a ratio.
    pub denominator: Option<f64>,
    /// Over how many communities.
    pub communities: u32,
    /// How many of them have figures that whoever asks does not see alone.
    pub withheld_communities: u32,
}

impl From<noun::Aggregate> for Aggregate {
    fn from(noun::Aggregate { value, numerator, denominator, communities, withheld }: noun::Aggregate) -> Self {
        Self { value, numerator, denominator, communities, withheld_communities: withheld }
    }
}

/// What a query asks to be compared, as it came.
pub struct Asked {
    /// The network, by slug.
    pub network: String,
    /// The indicator, by code.
    pub indicator: String,
    /// For this period.
    pub period: Option<Period>,
    /// Change counted from this period.
    pub baseline_period: Option<Period>,
    /// Only these members, by slug.
    pub communities: Option<Vec<String>>,
    /// About this part of the population.
    pub disaggregation: Option<Vec<DisaggregationInput>>,
    /// By figures as they were known at this moment.
    pub as_of: Option<DateTime>,
}

/// The most communities that a comparison names one by one.
const MOST_NAMED: usize = 10_000;

/// Compares what is asked for.
pub async fn compare(ctx: &Context<'_>, asked: Asked) -> async_graphql::Result<Comparison> {
    let request = request(ctx, asked).await.into_graphql()?;
    let (network, indicator) = (request.network, request.indicator);
    let result = ctx.services().compare(ctx.actor(), &request).await.into_graphql()?;
    Ok(Comparison { network, indicator, result: Arc::new(result) })
}

async fn request(ctx: &Context<'_>, asked: Asked) -> domain::Result<ComparisonRequest> {
    let (services, actor) = (ctx.services(), ctx.actor());
    let missing = |path: &str, what: String| Error::invalid(path, ProblemCode::NotFound, what);
    let slug: Slug = key(&asked.network, "network")?;
    let network = services.by_keys::<domain::network::Network>(actor, &[slug]).await?.pop();
    let network = network.ok_or_else(|| missing("network", format!("there is no network {}", asked.network)))?;
    let code = key(&asked.indicator, "indicator")?;
    let indicator = services.by_keys::<domain::indicator::Indicator>(actor, &[code]).await?.pop();
    let indicator =
        indicator.ok_or_else(|| missing("indicator", format!("there is no indicator {}", asked.indicator)))?;
    Ok(ComparisonRequest {
        network: network.id,
        indicator: indicator.id,
        period: asked.period.map(|period| period.get("period")).transpose()?,
        baseline_period: asked.baseline_period.map(|period| period.get("baselinePeriod")).transpose()?,
        communities: match asked.communities {
            Some(slugs) => Some(communities(ctx, slugs).await?),
            None => None,
        },
        disaggregation: disaggregation(asked.disaggregation, "disaggregation")?,
        as_of: asked.as_of.map(|moment| moment.get("asOf")).transpose()?,
    })
}

/// The communities with these slugs, in their order; all must exist.
async fn communities(ctx: &Context<'_>, slugs: Vec<String>) -> domain::Result<Vec<CommunityId>> {
    if slugs.len() > MOST_NAMED {
        let message = format!("{} communities are named; at most {MOST_NAMED}, or leave them out for all", slugs.len());
        return Err(Error::invalid("communities", ProblemCode::TooLong, message));
    }
    let path = |index| format!("communities.{index}");
    let keys: Vec<Slug> =
        slugs.iter().enumerate().map(|(index, slug)| key(slug, path(index))).collect::<domain::Result<_>>()?;
    let found = ctx.services().by_keys::<domain::community::Community>(ctx.actor(), &keys).await?;
    let by_slug: HashMap<_, _> = found.iter().map(|community| (&community.slug, community.id)).collect();
    let mut problems = Problems::default();
    let mut ids = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        match by_slug.get(key) {
            Some(&id) => ids.push(id),
            None => problems.add(path(index), ProblemCode::NotFound, format!("there is no community {key}")),
        }
    }
    problems.into_result()?;
    Ok(ids)
}
