//! Loading observations for many series at once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql::{Context, dataloader::Loader};
use chrono::{DateTime, Utc};
use domain::{
    Error,
    id::SeriesId,
    observation::{self as noun, ObservationSort},
    page::{ListQuery, Page},
    period::Period,
};

use super::Observation;
use crate::graphql::{
    connection::Connection,
    context::ContextExt as _,
    error::IntoGraphql as _,
    loaders::{Batch, grouped},
};

type Query = ListQuery<noun::ObservationFilter, ObservationSort>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ObservationsOf(SeriesId, Arc<Query>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct LatestOf(SeriesId, Option<DateTime<Utc>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct RevisionsOf(SeriesId, Period);

impl Loader<ObservationsOf> for Batch {
    type Value = Arc<Page<noun::Observation>>;
    type Error = Error;

    async fn load(&self, keys: &[ObservationsOf]) -> Result<HashMap<ObservationsOf, Self::Value>, Error> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for ((), query, members) in grouped(keys, |key| ((), &key.1)) {
            let series: Vec<_> = members.iter().map(|key| key.0).collect();
            let mut pages = self.services.observations(&self.actor, &series, &query).await?;
            for key in members {
                let none = || Page { total: query.count.then_some(0), ..Page::default() };
                let page = pages.remove(&key.0).unwrap_or_else(none);
                loaded.insert(key, Arc::new(page));
            }
        }
        Ok(loaded)
    }
}

impl Loader<LatestOf> for Batch {
    type Value = noun::Observation;
    type Error = Error;

    async fn load(&self, keys: &[LatestOf]) -> Result<HashMap<LatestOf, Self::Value>, Error> {
        let mut loaded = HashMap::with_capacity(keys.len());
        let moments: HashSet<_> = keys.iter().map(|key| key.1).collect();
        for moment in moments {
            let series: Vec<_> = keys.iter().filter(|key| key.1 == moment).map(|key| key.0).collect();
            let latest = self.services.latest_of(&self.actor, &series, moment).await?;
            loaded.extend(latest.into_iter().map(|(series, observation)| (LatestOf(series, moment), observation)));
        }
        Ok(loaded)
    }
}

impl Loader<RevisionsOf> for Batch {
    type Value = Vec<noun::Observation>;
    type Error = Error;

    async fn load(&self, keys: &[RevisionsOf]) -> Result<HashMap<RevisionsOf, Self::Value>, Error> {
        let periods: Vec<_> = keys.iter().map(|key| (key.0, key.1)).collect();
        let mut loaded: HashMap<_, Vec<_>> = HashMap::with_capacity(keys.len());
        for revision in self.services.revisions(&self.actor, &periods).await? {
            loaded.entry(RevisionsOf(revision.series, revision.period)).or_default().push(revision);
        }
        Ok(loaded)
    }
}

/// A part of the current figures of a series.
pub async fn observations(
    ctx: &Context<'_>,
    series: SeriesId,
    query: domain::Result<Query>,
) -> async_graphql::Result<Connection<Observation>> {
    let key = ObservationsOf(series, Arc::new(query.into_graphql()?));
    let page = ctx.batch().load_one(key).await.into_graphql()?.unwrap_or_default();
    Ok(Arc::unwrap_or_clone(page).map(Observation).into())
}

/// The newest value of a series, as it is known now or was at a moment.
pub async fn latest_of(
    ctx: &Context<'_>,
    series: SeriesId,
    as_of: Option<DateTime<Utc>>,
) -> async_graphql::Result<Option<Observation>> {
    Ok(ctx.batch().load_one(LatestOf(series, as_of)).await.into_graphql()?.map(Observation))
}

/// Every revision of a period of a series, oldest first.
pub async fn revisions(ctx: &Context<'_>, series: SeriesId, period: Period) -> async_graphql::Result<Vec<Observation>> {
    let revisions = ctx.batch().load_one(RevisionsOf(series, period)).await.into_graphql()?.unwrap_or_default();
    Ok(revisions.into_iter().map(Observation).collect())
}
