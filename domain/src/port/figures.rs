//! Reading and recording figures.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    access::Scope,
    compare::{Candidate, Withheld},
    error::Result,
    id::{CommunityId, IndicatorId, IndicatorVersionId, NetworkId, SeriesId},
    observation::{NewObservation, Observation, ObservationFilter, ObservationSort, Outcome},
    page::{ListQuery, Page},
    period::Period,
    record::Stored,
    series::{Disaggregation, Series},
    series_break::SeriesBreak,
};

/// The newest published value of a series: the latest period that has a value and is not a forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// The series that it belongs to.
    pub series_id: SeriesId,
    /// What the series is of.
    pub series: Series,
    /// The figure.
    pub observation: Observation,
}

/// Which figures a comparison needs.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateQuery {
    /// In the comparison of which network: decisions of Indigenous data authorities may hold for one alone.
    pub network: NetworkId,
    /// Whose; order does not matter.
    pub communities: Vec<CommunityId>,
    /// By which indicator, whatever its version.
    pub indicator: IndicatorId,
    /// About which part of the population.
    pub disaggregation: Disaggregation,
    /// For this period; without it, the newest value of each series.
    pub period: Option<Period>,
    /// Counted from this period; without it, from the declared baseline of each series.
    pub baseline_period: Option<Period>,
    /// As they were known at this moment; as they are known now without it.
    pub as_of: Option<DateTime<Utc>>,
    /// The moment of reading, for embargoes.
    pub now: DateTime<Utc>,
}

/// A member of a network, as far as comparisons need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The community.
    pub community: CommunityId,
    /// Its newest population estimate, persons.
    pub population: Option<i64>,
    /// The days on which one of its codes began or ceased to be in force: its geography changed.
    pub geography_changes: Vec<NaiveDate>,
}

/// Who records figures, and what they know of those that are there: what they recorded or sent in themselves, and what they read.
#[derive(Debug, Clone, Copy)]
pub struct Recorder<'a> {
    /// [`crate::access::Actor::name`].
    pub name: &'a str,
    /// Which figures they read.
    pub reader: &'a Scope,
}

impl<'a> Recorder<'a> {
    /// Somebody who reads everything.
    pub const fn seeing(name: &'a str) -> Self {
        Self { name, reader: &Scope::Everything }
    }
}

/// Reads and records figures. Reads leave out what the scope does not cover, at the moment of reading.
#[async_trait]
pub trait Figures: Send + Sync {
    /// The newest values of these communities, of all indicators if none are named, about one part of the population; one statement.
    async fn latest(
        &self,
        scope: &Scope,
        communities: &[CommunityId],
        indicators: &[IndicatorId],
        disaggregation: &Disaggregation,
        now: DateTime<Utc>,
    ) -> Result<Vec<Latest>>;

    /// The same as they were known at `moment`, as far as the reader may see them at the moment of reading; one statement.
    async fn latest_then(
        &self,
        scope: &Scope,
        communities: &[CommunityId],
        indicators: &[IndicatorId],
        disaggregation: &Disaggregation,
        moment: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Latest>>;

    /// The newest value of each of these series; one statement.
    async fn latest_of(
        &self,
        scope: &Scope,
        series: &[SeriesId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<SeriesId, Observation>>;

    /// The same as they were known at `moment`, as far as the reader may see them at the moment of reading; one statement.
    async fn latest_of_then(
        &self,
        scope: &Scope,
        series: &[SeriesId],
        moment: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<HashMap<SeriesId, Observation>>;

    /// The same part of the current figures of several series; one statement, and another if counts are asked for.
    async fn observations(
        &self,
        scope: &Scope,
        series: &[SeriesId],
        query: &ListQuery<ObservationFilter, ObservationSort>,
        now: DateTime<Utc>,
    ) -> Result<HashMap<SeriesId, Page<Observation>>>;

    /// Every revision of these periods, oldest first; one statement.
    async fn revisions(
        &self,
        scope: &Scope,
        keys: &[(SeriesId, Period)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Observation>>;

    /// Whether any figure was ever recorded under this version.
    async fn is_observed(&self, version: IndicatorVersionId) -> Result<bool>;

    /// The communities that are members of the network on `day`; one statement.
    async fn members(&self, network: NetworkId, day: NaiveDate) -> Result<Vec<Member>>;

    /// The communities for whose data an Indigenous data authority speaks; one statement.
    async fn under_authority(&self) -> Result<Vec<CommunityId>>;

    /// What a comparison chooses from: every series of the communities that has a figure for it; one statement.
    async fn candidates(&self, scope: &Scope, query: &CandidateQuery) -> Result<Vec<Candidate>>;

    /// The ends of the periods of these series whose figures are marked as breaks, as they were known at `as_of` or are now, whoever
    /// may see them; one statement.
    async fn marked_breaks(
        &self,
        series: &[SeriesId],
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Vec<(SeriesId, NaiveDate)>>;

    /// The declared breaks of the series by this indicator, with their bridges, as they stood at `as_of` or stand now, whoever may see
    /// them; one statement.
    async fn declared_breaks(
        &self,
        indicator: IndicatorId,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Vec<Stored<SeriesBreak>>>;

    /// The figures of the same communities, as far as they are members of the network now, that the reader does not see alone
    /// and that enter its totals for them by [`Scope::counted_in_totals`]: public as such, with the community's consent in
    /// force, and where an Indigenous data authority speaks, with its decision to let them enter totals. One statement.
    ///
    /// Of the present alone, whatever [`CandidateQuery::as_of`] says: whoever chose the moments could tell single figures by the
    /// difference of two totals.
    async fn withheld(&self, scope: &Scope, query: &CandidateQuery) -> Result<Vec<Withheld>>;

    /// The ids of these series, in their order, as far as there are such series; one statement.
    async fn find_series(&self, series: &[Series]) -> Result<Vec<Option<SeriesId>>>;

    /// The ids of these series, in their order; those that are missing are created at `at` by `by`.
    /// Only within a unit of work.
    async fn ensure_series(&self, series: &[Series], at: DateTime<Utc>, by: &str) -> Result<Vec<SeriesId>>;

    /// Takes back those of these series that [`Figures::ensure_series`] created at `at` by `by` and that got no figure. Only within the
    /// unit of work that created them: nobody else knows of them.
    async fn drop_unused(&self, series: &[SeriesId], at: DateTime<Utc>, by: &str) -> Result<()>;

    /// The last revisions of these periods, whoever may see them: current figures, and the retractions of those that are withdrawn.
    /// Nobody else records into their series until the unit of work ends, so what is decided by them holds. Only within a unit of
    /// work.
    async fn held(&self, keys: &[(SeriesId, Period)]) -> Result<Vec<Observation>>;

    /// Records figures already checked by [`crate::observation::Figure::check`], at `at` by `by`, and brings the newest
    /// values up to date. Where others have recorded into the series since `at`, the moment is the first after theirs. Says what became of each, in their order. Only within a unit of work.
    ///
    /// A figure that says the same as the current revision, as far as its recorder knows that, is unchanged; to whoever does not, it is
    /// another figure whatever it says, or they would find by trying what they may not read. A second, different figure for a series and
    /// period recorded at the same `at` contradicts the first and is rejected with CONFLICT; so is, with OVERLAP, a
    /// period that overlaps another of its kind (see [`crate::period::PeriodKind::may_overlap`]); with LOCKED, a change of what a
    /// lock covers without a restatement; with NOT_FOUND, the retraction of a figure that there is not. What is retracted already
    /// is unchanged.
    async fn record(&self, figures: &[NewObservation], at: DateTime<Utc>, by: Recorder<'_>) -> Result<Vec<Outcome>>;
}
