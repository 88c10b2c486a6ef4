//! Where accounts are kept.

use chrono::Utc;
use domain::{
    Result,
    access::Scope,
    account::{Account, AccountFilter, AccountSort},
    fold::fold,
    record::NoParent,
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where};
use crate::row::Row;

impl Table for Account {
    const TABLE: &'static str = "account";
    const COLUMNS: &'static [&'static str] = &["email", "name", "locale"];
    const DERIVED: &'static [&'static str] = &["search_text"];
    const KEY: Option<&'static str> = Some("email");

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.email.to_string().into(),
            self.name.clone().into(),
            self.locale.to_string().into(),
            format!("{}\n{}", fold(&self.name), fold(self.email.as_str())).into(),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { email: row.parse()?, name: row.take()?, locale: row.parse()? })
    }

    fn sort(by: AccountSort) -> SortColumn {
        match by {
            AccountSort::Email => SortColumn::Text("email"),
            AccountSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &AccountFilter, conditions: &mut Where) {
        conditions.text(filter.text.as_ref());
    }

    fn parent(parent: NoParent) -> ParentLink {
        match parent {}
    }

    /// One's own; whoever answers for a place also sees those who hold a role there.
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
        let now = conditions.sql.bind(Utc::now());
        conditions.and(format!(
            "(t.id = {own} OR t.id IN (SELECT held.account_id FROM access_grant held WHERE held.archived_at IS NULL \
             AND (held.expires_at IS NULL OR held.expires_at > {now}) \
             AND (held.community_id IN (SELECT stewarded.id FROM {stewarded}) \
             OR held.network_id IN (SELECT coordinated.id FROM {coordinated}) \
             OR held.partner_id IN (SELECT partners.id FROM {partners}))))"
        ));
    }
}
