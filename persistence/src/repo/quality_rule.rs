//! Where data-quality rules are kept.

use domain::{
    Result,
    access::Scope,
    quality::{QualityRule, QualityRuleFilter, QualityRuleParent, QualityRuleSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, json, optional_json};
use crate::row::Row;

impl Table for QualityRule {
    const TABLE: &'static str = "quality_rule";
    const COLUMNS: &'static [&'static str] =
        &["network_id", "community_id", "indicator_id", "check_code", "limits", "effect", "note"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.network.map(Uuid::from).into(),
            self.community.map(Uuid::from).into(),
            self.indicator.map(Uuid::from).into(),
            self.check.code().into(),
            json(&self.limits)?,
            self.effect.code().into(),
            optional_json(self.note.as_ref())?,
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            network: row.optional_id()?,
            community: row.optional_id()?,
            indicator: row.optional_id()?,
            check: row.parse()?,
            limits: row.json()?,
            effect: row.parse()?,
            note: row.optional_json()?,
        })
    }

    fn sort(by: QualityRuleSort) -> SortColumn {
        match by {
            QualityRuleSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &QualityRuleFilter, conditions: &mut Where) {
        conditions.value("t.network_id = {}", filter.network.map(Uuid::from));
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.value("t.indicator_id = {}", filter.indicator.map(Uuid::from));
    }

    fn parent(parent: QualityRuleParent) -> ParentLink {
        match parent {
            QualityRuleParent::Community => ParentLink::column("t.community_id"),
        }
    }

    /// Those of networks are for everybody; what a community finds doubtful, for its own people.
    fn scope(scope: &Scope, conditions: &mut Where) {
        match scope {
            Scope::Everything => {}
            Scope::Public => conditions.and("t.network_id IS NOT NULL"),
            Scope::Of(reader) => {
                let own = conditions.sql.ids(reader.own.iter().copied(), "own");
                conditions.and(format!("(t.network_id IS NOT NULL OR t.community_id IN (SELECT own.id FROM {own}))"));
            }
        }
    }
}
