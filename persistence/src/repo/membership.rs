//! Where memberships are kept.

use domain::{
    Result,
    access::Scope,
    membership::{Membership, MembershipFilter, MembershipParent, MembershipSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, optional_json};
use crate::row::Row;

impl Table for Membership {
    const TABLE: &'static str = "membership";
    const COLUMNS: &'static [&'static str] = &["network_id", "community_id", "joined_on", "left_on", "consent"];
    const DERIVED: &'static [&'static str] = &["consented", "consent_expires_on"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.network).into(),
            Uuid::from(self.community).into(),
            self.joined_on.into(),
            self.left_on.into(),
            optional_json(self.consent.as_ref())?,
            self.consent.is_some().into(),
            self.consent.as_ref().and_then(|consent| consent.expires_on).into(),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            network: row.id()?,
            community: row.id()?,
            joined_on: row.take()?,
            left_on: row.take()?,
            consent: row.optional_json()?,
        })
    }

    fn sort(by: MembershipSort) -> SortColumn {
        match by {
            MembershipSort::JoinedOn => SortColumn::Date("joined_on"),
            MembershipSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &MembershipFilter, conditions: &mut Where) {
        conditions.value("t.network_id = {}", filter.network.map(Uuid::from));
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.value("t.joined_on <= {} AND (t.left_on IS NULL OR {} < t.left_on)", filter.on);
    }

    fn parent(parent: MembershipParent) -> ParentLink {
        match parent {
            MembershipParent::Network => ParentLink::column("t.network_id"),
            MembershipParent::Community => ParentLink::column("t.community_id"),
        }
    }

    fn shown(self, scope: &Scope) -> Self {
        let seen = match scope {
            Scope::Everything => true,
            Scope::Public => false,
            Scope::Of(reader) => reader.own.contains(&self.community) || reader.coordinated.contains(&self.network),
        };
        if seen { self } else { Self { consent: None, ..self } }
    }
}
