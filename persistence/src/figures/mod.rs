//! Figures: series, observations in append-only revisions, and the rollup of each series' newest value.
//!
//! The rollup `latest_observation` holds, for every series that has one, the newest current figure with a value that is
//! no forecast, whoever may see it. Readers of what is public take it where it is public, and otherwise look the newest
//! public figure up among the observations at the moment of reading.

mod arrays;
mod bulk;
mod candidates;
pub(crate) mod change_feed;
pub(crate) mod decide;
mod export;
mod keys;
mod known;
mod newest;
mod parameters;
pub(crate) mod period_lock;
mod read;
pub(crate) mod record;
mod rollup;
pub(crate) mod series;
pub(crate) mod small_cells;
mod statistics;
#[cfg(test)]
pub(crate) mod tests;
mod withheld;

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Result,
    access::Scope,
    compare::{Candidate, Withheld},
    id::{CommunityId, IndicatorId, IndicatorVersionId, NetworkId, SeriesId},
    observation::{NewObservation, Observation, ObservationFilter, ObservationSort, Outcome},
    page::{ListQuery, Page},
    period::Period,
    port::figures::{CandidateQuery, Figures, Latest, Member, Recorder},
    record::Stored,
    series::{Disaggregation, Series},
    series_break::SeriesBreak,
};
use sea_orm::ConnectionTrait;

use crate::repo::{Repos, series_break};

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> Figures for Repos<C> {
    async fn latest(
        &self,
        scope: &Scope,
        communities: &[CommunityId],
        indicators: &[IndicatorId],
        disaggregation: &Disaggregation,
        now: DateTime<Utc>,
    ) -> Result<Vec<Latest>> {
        read::latest(&self.0, scope, communities, indicators, disaggregation, None, now).await
    }

    async fn latest_then(
        &self,
        scope: &Scope,
        communities: &[CommunityId],
        indicators: &[IndicatorId],
        disaggregation: &Disaggregation,
        moment: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Latest>> {
        read::latest(&self.0, scope, communities, indicators, disaggregation, Some(moment), now).await
    }

    async fn latest_of(
        &self,
        scope: &Scope,
        series: &[SeriesId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<SeriesId, Observation>> {
        read::latest_of(&self.0, scope, series, None, now).await
    }

    async fn latest_of_then(
        &self,
        scope: &Scope,
        series: &[SeriesId],
        moment: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<HashMap<SeriesId, Observation>> {
        read::latest_of(&self.0, scope, series, Some(moment), now).await
    }

    async fn observations(
        &self,
        scope: &Scope,
        series: &[SeriesId],
        query: &ListQuery<ObservationFilter, ObservationSort>,
        now: DateTime<Utc>,
    ) -> Result<HashMap<SeriesId, Page<Observation>>> {
        read::observations(&self.0, scope, series, query, now).await
    }

    async fn revisions(
        &self,
        scope: &Scope,
        keys: &[(SeriesId, Period)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Observation>> {
        read::revisions(&self.0, scope, keys, now).await
    }

    async fn is_observed(&self, version: IndicatorVersionId) -> Result<bool> {
        read::is_observed(&self.0, version).await
    }

    async fn members(&self, network: NetworkId, day: NaiveDate) -> Result<Vec<Member>> {
        candidates::members(&self.0, network, day).await
    }

    async fn under_authority(&self) -> Result<Vec<CommunityId>> {
        candidates::under_authority(&self.0).await
    }

    async fn candidates(&self, scope: &Scope, query: &CandidateQuery) -> Result<Vec<Candidate>> {
        candidates::candidates(&self.0, scope, query).await
    }

    async fn marked_breaks(
        &self,
        series: &[SeriesId],
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Vec<(SeriesId, NaiveDate)>> {
        candidates::marked_breaks(&self.0, series, as_of).await
    }

    async fn declared_breaks(
        &self,
        indicator: IndicatorId,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Vec<Stored<SeriesBreak>>> {
        series_break::declared(&self.0, indicator, as_of).await
    }

    async fn withheld(&self, scope: &Scope, query: &CandidateQuery) -> Result<Vec<Withheld>> {
        withheld::withheld(&self.0, scope, query).await
    }

    async fn find_series(&self, series: &[Series]) -> Result<Vec<Option<SeriesId>>> {
        series::find_all(&self.0, series).await
    }

    async fn ensure_series(&self, series: &[Series], at: DateTime<Utc>, by: &str) -> Result<Vec<SeriesId>> {
        series::ensure(&self.0, series, at, by).await
    }

    async fn drop_unused(&self, series: &[SeriesId], at: DateTime<Utc>, by: &str) -> Result<()> {
        series::drop_unused(&self.0, series, at, by).await
    }

    async fn held(&self, keys: &[(SeriesId, Period)]) -> Result<Vec<Observation>> {
        record::held(&self.0, keys).await
    }

    async fn record(&self, figures: &[NewObservation], at: DateTime<Utc>, by: Recorder<'_>) -> Result<Vec<Outcome>> {
        record::record(&self.0, figures, at, by).await
    }
}
