//! The rules of what is declared about figures: locks on periods, and breaks of series.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Change, Context, Governed};
use crate::{
    access::Needs,
    error::{Error, ProblemCode, Result},
    event::Topic,
    id::{CommunityId, NetworkId, PeriodLockId, SeriesBreakId},
    period_lock::PeriodLock,
    record::Stored,
    series_break::SeriesBreak,
};

#[async_trait]
impl Governed for PeriodLock {
    const TO_WRITE: &'static str = "lock periods";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (self.community, self.network)
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("indicator", json!(self.indicator)),
            ("until", json!(self.until)),
            ("reason", json!(self.reason)),
            ("lifted", json!(self.lifted)),
        ]
    }

    async fn needs(&self, _: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let network = self.network.map(Needs::coordinator);
        Ok(self.community.map(Needs::steward).into_iter().chain(network).collect())
    }

    fn topics(&self, _: PeriodLockId) -> BTreeSet<Topic> {
        BTreeSet::new()
    }

    /// A lock is lifted once, and changes in no other way.
    async fn admit(self, before: Option<&Stored<Self>>, _: &Context<'_>) -> Result<Self> {
        if before.is_some_and(|before| before.lifted.is_some()) {
            return Err(Error::invalid("id", ProblemCode::Immutable, "the lock is lifted already"));
        }
        Ok(self)
    }
}

#[async_trait]
impl Governed for SeriesBreak {
    const TO_WRITE: &'static str = "declare breaks of series";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (Some(self.community), None)
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("indicator", json!(self.indicator)),
            ("source", json!(self.source)),
            ("startsOn", json!(self.starts_on)),
            ("bridge", json!(self.bridge)),
        ]
    }

    async fn needs(&self, _: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![Needs::steward(self.community)])
    }

    fn topics(&self, _: SeriesBreakId) -> BTreeSet<Topic> {
        [Topic::Indicator(self.indicator)].into()
    }
}
