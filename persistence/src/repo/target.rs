//! Where targets are kept.

use domain::{
    Result,
    access::Scope,
    target::{Target, TargetFilter, TargetParent, TargetSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, optional_json};
use crate::row::Row;

impl Table for Target {
    const TABLE: &'static str = "target";
    const COLUMNS: &'static [&'static str] = &[
        "indicator_id",
        "indicator_version_id",
        "network_id",
        "community_id",
        "value",
        "due_on",
        "note",
        "replaces_id",
    ];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.indicator).into(),
            Uuid::from(self.indicator_version).into(),
            self.network.map(Uuid::from).into(),
            self.community.map(Uuid::from).into(),
            self.value.into(),
            self.due_on.into(),
            optional_json(self.note.as_ref())?,
            self.replaces.map(Uuid::from).into(),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            indicator: row.id()?,
            indicator_version: row.id()?,
            network: row.optional_id()?,
            community: row.optional_id()?,
            value: row.take()?,
            due_on: row.take()?,
            note: row.optional_json()?,
            replaces: row.optional_id()?,
        })
    }

    fn sort(by: TargetSort) -> SortColumn {
        match by {
            TargetSort::DueOn => SortColumn::Date("due_on"),
            TargetSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &TargetFilter, conditions: &mut Where) {
        conditions.value("t.network_id = {}", filter.network.map(Uuid::from));
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.value("t.indicator_id = {}", filter.indicator.map(Uuid::from));
        conditions.value("t.due_on >= {}", filter.due_from);
        conditions.value("t.due_on <= {}", filter.due_until);
    }

    fn parent(parent: TargetParent) -> ParentLink {
        match parent {
            TargetParent::Network => ParentLink::column("t.network_id"),
            TargetParent::Community => ParentLink::column("t.community_id"),
            TargetParent::Indicator => ParentLink::column("t.indicator_id"),
        }
    }

    /// A target says much of the figures it is set on: a community's is seen by those who see them.
    fn scope(scope: &Scope, conditions: &mut Where) {
        let seen = conditions.sight(scope).shared("t.community_id", "t.indicator_id");
        if let Some(seen) = seen.strip_prefix(" AND ") {
            conditions.and(format!("(t.community_id IS NULL OR {seen})"));
        }
    }
}
