//! Where the decisions of Indigenous data authorities are kept.

use domain::{
    Result,
    access::Scope,
    decision::{AuthorityDecision, AuthorityDecisionFilter, AuthorityDecisionParent, AuthorityDecisionSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, optional_json};
use crate::row::Row;

impl Table for AuthorityDecision {
    const TABLE: &'static str = "authority_decision";
    const COLUMNS: &'static [&'static str] =
        &["community_id", "act", "indicator_id", "network_id", "expires_on", "note"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.community).into(),
            self.act.code().into(),
            self.indicator.map(Uuid::from).into(),
            self.network.map(Uuid::from).into(),
            self.expires_on.into(),
            optional_json(self.note.as_ref())?,
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            community: row.id()?,
            act: row.parse()?,
            indicator: row.optional_id()?,
            network: row.optional_id()?,
            expires_on: row.take()?,
            note: row.optional_json()?,
        })
    }

    fn sort(by: AuthorityDecisionSort) -> SortColumn {
        match by {
            AuthorityDecisionSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &AuthorityDecisionFilter, conditions: &mut Where) {
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.codes("t.act", filter.acts.as_ref());
    }

    fn parent(parent: AuthorityDecisionParent) -> ParentLink {
        match parent {
            AuthorityDecisionParent::Community => ParentLink::column("t.community_id"),
        }
    }

    fn scope(scope: &Scope, conditions: &mut Where) {
        conditions.only_own(scope, "t.community_id");
    }
}
