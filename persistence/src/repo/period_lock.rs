//! Where locks on periods are kept.

use domain::{
    Result,
    access::Scope,
    period_lock::{PeriodLock, PeriodLockFilter, PeriodLockParent, PeriodLockSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, json, optional_json};
use crate::row::Row;

impl Table for PeriodLock {
    const TABLE: &'static str = "period_lock";
    const COLUMNS: &'static [&'static str] =
        &["community_id", "network_id", "indicator_id", "until", "reason", "lifted"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.community.map(Uuid::from).into(),
            self.network.map(Uuid::from).into(),
            self.indicator.map(Uuid::from).into(),
            self.until.into(),
            json(&self.reason)?,
            optional_json(self.lifted.as_ref())?,
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            community: row.optional_id()?,
            network: row.optional_id()?,
            indicator: row.optional_id()?,
            until: row.take()?,
            reason: row.json()?,
            lifted: row.optional_json()?,
        })
    }

    fn sort(by: PeriodLockSort) -> SortColumn {
        match by {
            PeriodLockSort::CreatedAt => SortColumn::Time("created_at"),
            PeriodLockSort::Until => SortColumn::Date("until"),
        }
    }

    fn filter(filter: &PeriodLockFilter, conditions: &mut Where) {
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.value("t.network_id = {}", filter.network.map(Uuid::from));
        match filter.lifted {
            None => {}
            Some(true) => conditions.and("t.lifted IS NOT NULL"),
            Some(false) => conditions.and("t.lifted IS NULL"),
        }
    }

    fn parent(parent: PeriodLockParent) -> ParentLink {
        match parent {
            PeriodLockParent::Community => ParentLink::column("t.community_id"),
            PeriodLockParent::Network => ParentLink::column("t.network_id"),
        }
    }

    /// A network's locks are for everybody, a community's for its own people: they say what it measures.
    fn scope(scope: &Scope, conditions: &mut Where) {
        conditions.only_own_if(scope, "t.community_id");
    }
}
