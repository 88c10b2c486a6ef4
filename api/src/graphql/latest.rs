//! The newest values of communities.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Object, dataloader::Loader};
use chrono::Utc;
use domain::{
    Error,
    error::ProblemCode,
    id::{CommunityId, IndicatorId},
    indicator as noun,
    key::Code,
    port::figures::Latest,
    record::Stored,
    series::Disaggregation,
};

use super::{
    context::ContextExt as _,
    error::IntoGraphql as _,
    indicator::{Indicator, IndicatorVersion},
    input::{key, within},
    loaders::{Batch, grouped},
    observation::Observation,
    record::referred,
    rows::{Column, Out, Plan, Row, Rows, Table},
    scalars::{DateTime, Period, written},
    series::{Dimension, DisaggregationInput, Series, dimensions, disaggregation},
    source::Source,
};

/// The most indicators that can be named at once.
const MAX_INDICATORS: usize = 50;
/// Values answered for each indicator that is named: one for each definition and source.
pub const FOR_EACH: usize = 10;
/// Values answered where none is named.
pub const FOR_ALL: usize = 100;
/// The most values that can be asked for.
pub const MOST_VALUES: usize = MAX_INDICATORS * FOR_EACH;

/// The newest value of one of a community's series: the latest period with a value that is not a forecast.
#[derive(Clone)]
pub struct LatestValue {
    latest: Latest,
    /// Its indicator, where that was named and so loaded once for all values.
    indicator: Option<Indicator>,
}

/// The newest value of one of a community's series: the latest period with a value that is not a forecast.
#[Object]
impl LatestValue {
    /// What is measured.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Indicator> {
        match &self.indicator {
            Some(indicator) => Ok(indicator.clone()),
            None => referred(ctx, self.latest.series.indicator).await,
        }
    }

    /// By which definition.
    async fn indicator_version(&self, ctx: &Context<'_>) -> async_graphql::Result<IndicatorVersion> {
        referred(ctx, self.latest.series.indicator_version).await
    }

    /// Where the figure comes from.
    async fn source(&self, ctx: &Context<'_>) -> async_graphql::Result<Source> {
        referred(ctx, self.latest.series.source).await
    }

    /// Which part of the population; empty for everybody.
    async fn disaggregation(&self) -> Vec<Dimension> {
        dimensions(&self.latest.series.disaggregation)
    }

    /// The series.
    async fn series(&self, ctx: &Context<'_>) -> async_graphql::Result<Series> {
        referred(ctx, self.latest.series_id).await
    }

    /// The value, in the unit of the definition.
    async fn value(&self) -> Option<f64> {
        self.latest.observation.figure.value
    }

    /// The period.
    async fn period(&self) -> Period {
        self.latest.observation.period.into()
    }

    /// When it became known here.
    async fn recorded_at(&self) -> DateTime {
        self.latest.observation.recorded_at.into()
    }

    /// The figure with all that is known of it.
    async fn observation(&self) -> Observation {
        Observation(self.latest.observation.clone())
    }
}

impl Row for LatestValue {
    const TABLE: &'static Table = &Table {
        name: "LatestValue",
        columns: &[
            Column::rows::<Indicator>("indicator"),
            Column::rows::<domain::observation::Observation>("observation"),
            Column::leaf("value"),
            Column::leaf("period"),
            Column::leaf("recordedAt"),
        ],
    };

    fn holds(&self, column: usize) -> bool {
        column != 0 || self.indicator.is_some()
    }

    fn write(&self, column: usize, nested: &Plan, out: &mut Out<'_>) {
        let observation = &self.latest.observation;
        match column {
            0 => out.row(self.indicator.as_ref(), nested),
            1 => out.row(Some(observation), nested),
            2 => out.value(&observation.figure.value),
            3 => out.value(&observation.period),
            4 => out.value(&written::moment(&observation.recorded_at)),
            _ => out.null(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Wanted {
    indicators: Vec<IndicatorId>,
    part: Disaggregation,
    as_of: Option<chrono::DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LatestFor(CommunityId, Arc<Wanted>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ByCode(Code);

impl Loader<LatestFor> for Batch {
    type Value = Vec<Latest>;
    type Error = Error;

    async fn load(&self, keys: &[LatestFor]) -> Result<HashMap<LatestFor, Self::Value>, Error> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for ((), wanted, members) in grouped(keys, |key| ((), &key.1)) {
            let communities: Vec<_> = members.iter().map(|key| key.0).collect();
            let Wanted { indicators, part, as_of } = &*wanted;
            let found = self.services.latest(&self.actor, &communities, indicators, part, *as_of).await?;
            for latest in found {
                let key = LatestFor(latest.series.community, Arc::clone(&wanted));
                loaded.entry(key).or_insert_with(Vec::new).push(latest);
            }
        }
        Ok(loaded)
    }
}

impl Loader<ByCode> for Batch {
    type Value = Arc<Stored<noun::Indicator>>;
    type Error = Error;

    async fn load(&self, keys: &[ByCode]) -> Result<HashMap<ByCode, Self::Value>, Error> {
        let codes: Vec<_> = keys.iter().map(|key| key.0.clone()).collect();
        let found = self.services.by_keys::<noun::Indicator>(&self.actor, &codes).await?;
        Ok(found.into_iter().map(|indicator| (ByCode(indicator.code.clone()), Arc::new(indicator))).collect())
    }
}

/// What newest values are asked for.
pub struct Asked {
    /// Only these indicators, by code.
    pub indicators: Option<Vec<String>>,
    /// About this part of the population.
    pub part: Option<Vec<DisaggregationInput>>,
    /// As they were known at this moment.
    pub as_of: Option<DateTime>,
    /// So many at most.
    pub first: Option<i32>,
}

/// The newest values of a community, loaded together with those of its siblings, in the order of the codes asked for.
pub async fn latest_values(
    ctx: &Context<'_>,
    community: CommunityId,
    asked: Asked,
) -> async_graphql::Result<Rows<LatestValue>> {
    let part = disaggregation(asked.part, "disaggregation").into_graphql()?;
    let as_of = asked.as_of.map(|moment| moment.get("asOf")).transpose().into_graphql()?;
    let first = asked.first.map(|first| within("first", first, 1, MOST_VALUES)).transpose().into_graphql()?;
    let named = match asked.indicators {
        Some(codes) => indicators(ctx, &codes).await?,
        None => Vec::new(),
    };
    let wanted = Arc::new(Wanted { indicators: named.iter().map(|indicator| indicator.id).collect(), part, as_of });
    let mut values =
        ctx.batch().load_one(LatestFor(community, Arc::clone(&wanted))).await.into_graphql()?.unwrap_or_default();
    let place = |latest: &Latest| wanted.indicators.iter().position(|&id| id == latest.series.indicator);
    values.sort_by_cached_key(|latest| (place(latest), latest.series.indicator, latest.series_id));
    values.truncate(first.unwrap_or(if named.is_empty() { FOR_ALL } else { FOR_EACH * named.len() }));
    let shown = |latest: Latest| {
        let indicator = named.iter().find(|indicator| indicator.id == latest.series.indicator);
        LatestValue { indicator: indicator.cloned().map(Into::into), latest }
    };
    Ok(Rows(values.into_iter().map(shown).collect()))
}

/// The indicators with these codes, all of which must exist.
async fn indicators(ctx: &Context<'_>, codes: &[String]) -> async_graphql::Result<Vec<Arc<Stored<noun::Indicator>>>> {
    let refuse = |path: String, code, message| super::error::graphql(Error::invalid(path, code, message));
    if codes.is_empty() || codes.len() > MAX_INDICATORS {
        let message = format!("name 1 to {MAX_INDICATORS} indicators, or leave it out for all");
        return Err(refuse("indicators".to_owned(), ProblemCode::OutOfRange, message));
    }
    let keys = codes.iter().enumerate().map(|(index, code)| key(code, format!("indicators.{index}")).map(ByCode));
    let keys: Vec<_> = keys.collect::<domain::Result<_>>().into_graphql()?;
    let found = ctx.batch().load_many(keys.clone()).await.into_graphql()?;
    let mut named = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let missing =
            || refuse(format!("indicators.{index}"), ProblemCode::NotFound, format!("there is no indicator {}", key.0));
        named.push(Arc::clone(found.get(key).ok_or_else(missing)?));
    }
    Ok(named)
}
