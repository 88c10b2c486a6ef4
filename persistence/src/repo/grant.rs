//! Where grants are kept.

use domain::{
    Result,
    access::Scope,
    grant::{Grant, GrantFilter, GrantParent, GrantSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where};
use crate::row::Row;

impl Table for Grant {
    const TABLE: &'static str = "access_grant";
    const COLUMNS: &'static [&'static str] =
        &["account_id", "role", "network_id", "community_id", "partner_id", "expires_at"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.account).into(),
            self.role.code().into(),
            self.network.map(Uuid::from).into(),
            self.community.map(Uuid::from).into(),
            self.partner.map(Uuid::from).into(),
            self.expires_at.into(),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            account: row.id()?,
            role: row.parse()?,
            network: row.optional_id()?,
            community: row.optional_id()?,
            partner: row.optional_id()?,
            expires_at: row.take()?,
        })
    }

    fn sort(by: GrantSort) -> SortColumn {
        match by {
            GrantSort::CreatedAt => SortColumn::Time("created_at"),
            GrantSort::ExpiresAt => SortColumn::OptionalTime("expires_at"),
        }
    }

    fn filter(filter: &GrantFilter, conditions: &mut Where) {
        conditions.value("t.account_id = {}", filter.account.map(Uuid::from));
        conditions.value("t.network_id = {}", filter.network.map(Uuid::from));
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.value("t.partner_id = {}", filter.partner.map(Uuid::from));
        conditions.codes("t.role", filter.roles.as_ref());
    }

    fn parent(parent: GrantParent) -> ParentLink {
        match parent {
            GrantParent::Account => ParentLink::column("t.account_id"),
            GrantParent::Network => ParentLink::column("t.network_id"),
            GrantParent::Community => ParentLink::column("t.community_id"),
            GrantParent::Partner => ParentLink::column("t.partner_id"),
        }
    }

    /// One's own, and those at the places that one answers for.
    fn scope(scope: &Scope, conditions: &mut Where) {
        let reader = match scope {
            Scope::Everything => return,
            Scope::Public => return conditions.and("FALSE"),
            Scope::Of(reader) => reader,
        };
        if reader.administrator {
            return;
        }
        let own = conditions.sql.bind(reader.account.map(Uuid::from));
        let stewarded = conditions.sql.ids(reader.stewarded.iter().copied(), "stewarded");
        let coordinated = conditions.sql.ids(reader.coordinated.iter().copied(), "coordinated");
        let partners = conditions.sql.ids(reader.partners.iter().copied(), "partners");
        conditions.and(format!(
            "(t.account_id = {own} OR t.community_id IN (SELECT stewarded.id FROM {stewarded}) \
             OR t.network_id IN (SELECT coordinated.id FROM {coordinated}) \
             OR t.partner_id IN (SELECT partners.id FROM {partners}))"
        ));
    }
}
