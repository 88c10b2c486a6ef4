//! Where sharing rules are kept.

use domain::{
    Result,
    access::Scope,
    sharing::{SharingRule, SharingRuleFilter, SharingRuleParent, SharingRuleSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{Link, ParentLink, SortColumn, Table, Where, json, optional_json};
use crate::row::Row;

impl Table for SharingRule {
    const TABLE: &'static str = "sharing_rule";
    const COLUMNS: &'static [&'static str] = &["community_id", "indicator_id", "visibility", "named", "note"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.community).into(),
            self.indicator.map(Uuid::from).into(),
            self.visibility.code().into(),
            json(&self.named)?,
            optional_json(self.note.as_ref())?,
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            community: row.id()?,
            indicator: row.optional_id()?,
            visibility: row.parse()?,
            named: row.json()?,
            note: row.optional_json()?,
        })
    }

    fn sort(by: SharingRuleSort) -> SortColumn {
        match by {
            SharingRuleSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &SharingRuleFilter, conditions: &mut Where) {
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.value("t.indicator_id = {}", filter.indicator.map(Uuid::from));
    }

    fn parent(parent: SharingRuleParent) -> ParentLink {
        match parent {
            SharingRuleParent::Community => ParentLink::column("t.community_id"),
        }
    }

    /// Rules are for people of the community: they tell what it keeps to itself.
    fn scope(scope: &Scope, conditions: &mut Where) {
        conditions.only_own(scope, "t.community_id");
    }

    fn links(&self) -> Vec<Link> {
        let rows = self.named.iter().map(|&id| vec![Uuid::from(id).into()]).collect();
        vec![Link { table: "sharing_rule_named", own: "sharing_rule_id", others: "community_id", rows, grows: false }]
    }
}
