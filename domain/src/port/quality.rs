//! What data-quality rules ask of the database. One statement each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use chrono::NaiveDate;

use crate::{
    error::Result,
    id::{CommunityId, NetworkId},
    period::{Period, PeriodKind},
    quality::Past,
    series::{Disaggregation, Series},
};

/// A stretch of a series.
#[derive(Debug, Clone)]
pub struct Stretch<'a> {
    /// Of which series; there may be none.
    pub series: &'a Series,
    /// Periods of this kind
    pub kind: PeriodKind,
    /// that end after this day
    pub since: NaiveDate,
    /// and on this one at the latest.
    pub until: NaiveDate,
}

/// What data-quality rules look at.
#[async_trait]
pub trait Quality: Send + Sync {
    /// The networks that these communities are in on `day`.
    async fn networks_of(
        &self,
        communities: &BTreeSet<CommunityId>,
        day: NaiveDate,
    ) -> Result<BTreeSet<(CommunityId, NetworkId)>>;

    /// The current values of these stretches, in their order; forecasts and figures without a value are left out.
    async fn values(&self, stretches: &[Stretch<'_>]) -> Result<Vec<BTreeMap<Period, Past>>>;

    /// The days of the breaks that are declared for each of these series, in their order.
    async fn breaks(&self, series: &[&Series]) -> Result<Vec<BTreeSet<NaiveDate>>>;

    /// For each of these totals, in their order, the current value of the total and of every part by one dimension alone that
    /// there is in any period; nothing for one without a value in this period.
    async fn breakdowns(&self, totals: &[(Series, Period)]) -> Result<Vec<HashMap<Disaggregation, Option<f64>>>>;
}
