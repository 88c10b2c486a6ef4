//! Series in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::{
    baseline::BaselineParent,
    error::{Error, ProblemCode, Result},
    observation as observed,
    record::Stored,
    series as noun,
};
use serde::Deserialize;

use super::{
    baseline::Baseline,
    community::Community,
    connection::{Connection, Paging, children},
    error::IntoGraphql as _,
    id,
    indicator::{Indicator, IndicatorVersion},
    observation::{self, Observation, ObservationFilter, ObservationOrder},
    order::{order, ordered},
    record::{RecordFields, referred, shows},
    scalars::DateTime,
    source::Source,
};

/// One community's figures by one definition, one source and for one part of the population.
#[derive(Clone)]
pub struct Series(Arc<Stored<noun::Series>>);

shows!(Series, noun::Series);

/// One community's figures by one definition, one source and for one part of the population.
#[Object]
impl Series {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whose figures.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Community> {
        referred(ctx, self.0.community).await
    }

    /// What is measured.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Indicator> {
        referred(ctx, self.0.indicator).await
    }

    /// By which definition.
    async fn indicator_version(&self, ctx: &Context<'_>) -> async_graphql::Result<IndicatorVersion> {
        referred(ctx, self.0.indicator_version).await
    }

    /// Where the figures come from.
    async fn source(&self, ctx: &Context<'_>) -> async_graphql::Result<Source> {
        referred(ctx, self.0.source).await
    }

    /// Which part of the population; empty for everybody.
    async fn disaggregation(&self) -> Vec<Dimension> {
        dimensions(&self.0.disaggregation)
    }

    /// Its newest value: the latest period with a value that is not a forecast.
    async fn latest(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "As it was known at this moment, as far as the reader may see it now; as it is known now if left out."
        )]
        as_of: Option<DateTime>,
    ) -> async_graphql::Result<Option<Observation>> {
        let as_of = as_of.map(|moment| moment.get("asOf")).transpose().into_graphql()?;
        observation::latest_of(ctx, self.0.id, as_of).await
    }

    /// Its figures over time: the current revision of each, or the one that was current at the moment `asOf`, as far as the reader
    /// may see it now.
    #[allow(clippy::too_many_arguments)]
    async fn observations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those for which all of this holds.")] filter: Option<ObservationFilter>,
        #[graphql(desc = "The order; by period if left out.")] order_by: Option<ObservationOrder>,
        #[graphql(desc = "As they were known at this moment; as they are known now if left out.")] as_of: Option<
            DateTime,
        >,
    ) -> async_graphql::Result<Connection<Observation>> {
        let paging = Paging { first, after, last, before };
        let filter = filter.unwrap_or_default().read().and_then(|filter| {
            Ok(observed::ObservationFilter { as_of: as_of.map(|moment| moment.get("asOf")).transpose()?, ..filter })
        });
        let query = filter.and_then(|filter| paging.query(ctx, filter, ordered(order_by), false));
        observation::observations(ctx, self.0.id, query).await
    }

    /// The starting point declared for it, if there is one.
    async fn baseline(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Baseline>> {
        let query =
            Paging { first: Some(1), ..Paging::default() }.query(ctx, Default::default(), Default::default(), false);
        let baselines = children::<Baseline>(ctx, BaselineParent::Series, self.0.id, query).await?;
        Ok(baselines.into_first())
    }
}

/// One dimension of a part of the population.
#[derive(Debug, Clone, SimpleObject)]
pub struct Dimension {
    /// What divides the population: `age`, `gender`.
    pub name: String,
    /// Which part of it: `0-17`, `women`.
    pub value: String,
}

/// The dimensions of a part of the population, by name.
pub fn dimensions(disaggregation: &noun::Disaggregation) -> Vec<Dimension> {
    let dimension = |(name, value): (&str, &str)| Dimension { name: name.to_owned(), value: value.to_owned() };
    disaggregation.iter().map(dimension).collect()
}

/// One dimension of a part of the population.
#[derive(Debug, Clone, InputObject, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisaggregationInput {
    /// What divides the population: `age`, `gender`.
    pub name: String,
    /// Which part of it: `0-17`, `women`.
    pub value: String,
}

/// The part of the population given in the field `path`; everybody if it was left out.
pub fn disaggregation(given: Option<Vec<DisaggregationInput>>, path: &str) -> Result<noun::Disaggregation> {
    noun::Disaggregation::new(given.into_iter().flatten().map(|input| (input.name, input.value)))
        .map_err(|error| Error::invalid(path, ProblemCode::Invalid, error.to_string()))
}

order! { "series", SeriesOrder, SeriesOrderField, noun::SeriesSort,
    /// When they were first recorded.
    CreatedAt,
    /// The part of the population; everybody first.
    Disaggregation,
}

/// What series are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct SeriesFilter {
    /// Of this community.
    pub community: Option<ID>,
    /// By one of these indicators.
    pub indicators: Option<Vec<ID>>,
    /// From this source.
    pub source: Option<ID>,
    /// About exactly this part of the population; an empty list is everybody.
    pub disaggregation: Option<Vec<DisaggregationInput>>,
}

impl SeriesFilter {
    /// The filter; series are not archived.
    pub fn read(self) -> Result<(noun::SeriesFilter, bool)> {
        let part = |given| disaggregation(Some(given), "filter.disaggregation");
        let filter = noun::SeriesFilter {
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicators: self.indicators.map(|ids| id::parse_all(&ids, "filter.indicators")).transpose()?,
            source: id::parse_opt(self.source.as_ref(), "filter.source")?,
            disaggregation: self.disaggregation.map(part).transpose()?,
        };
        Ok((filter, false))
    }
}
