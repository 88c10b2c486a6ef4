//! Where API tokens are kept: what they are for, never what they are.

use domain::{
    Result,
    access::Scope,
    api_token::{ApiToken, ApiTokenFilter, ApiTokenParent, ApiTokenSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{Link, ParentLink, SortColumn, Table, Where, json};
use crate::row::Row;

impl Table for ApiToken {
    const TABLE: &'static str = "api_token";
    const COLUMNS: &'static [&'static str] =
        &["name", "hint", "communities", "indicators", "actions", "addresses", "expires_at", "replaces_id"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.name.clone().into(),
            self.hint.clone().into(),
            json(&self.communities)?,
            json(&self.indicators)?,
            json(&self.actions)?,
            json(&self.addresses)?,
            self.expires_at.into(),
            self.replaces.map(Uuid::from).into(),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            name: row.take()?,
            hint: row.take()?,
            communities: row.json()?,
            indicators: row.json()?,
            actions: row.json()?,
            addresses: row.json()?,
            expires_at: row.take()?,
            replaces: row.optional_id()?,
        })
    }

    fn sort(by: ApiTokenSort) -> SortColumn {
        match by {
            ApiTokenSort::CreatedAt => SortColumn::Time("created_at"),
            ApiTokenSort::ExpiresAt => SortColumn::OptionalTime("expires_at"),
        }
    }

    fn filter(filter: &ApiTokenFilter, conditions: &mut Where) {
        conditions.value(
            "t.id IN (SELECT c.api_token_id FROM api_token_community c WHERE c.community_id = {})",
            filter.community.map(Uuid::from),
        );
    }

    fn parent(parent: ApiTokenParent) -> ParentLink {
        match parent {
            ApiTokenParent::Community => {
                ParentLink::join("JOIN api_token_community l ON l.api_token_id = t.id", "l.community_id")
            }
        }
    }

    /// For administrators, and for whoever answers for any community that a token is for.
    fn scope(scope: &Scope, conditions: &mut Where) {
        let reader = match scope {
            Scope::Everything => return,
            Scope::Public => return conditions.and("FALSE"),
            Scope::Of(reader) => reader,
        };
        if reader.administrator {
            return;
        }
        let stewarded = conditions.sql.ids(reader.stewarded.iter().copied(), "stewarded");
        conditions.and(format!(
            "EXISTS (SELECT 1 FROM api_token_community c WHERE c.api_token_id = t.id \
             AND c.community_id IN (SELECT stewarded.id FROM {stewarded}))"
        ));
    }

    fn links(&self) -> Vec<Link> {
        let rows = self.communities.iter().map(|&id| vec![Uuid::from(id).into()]).collect();
        vec![Link { table: "api_token_community", own: "api_token_id", others: "community_id", rows, grows: false }]
    }
}
