//! Where participations are kept.

use domain::{
    Result,
    participation::{Participation, ParticipationFilter, ParticipationParent, ParticipationSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, code, json};
use crate::row::Row;

impl Table for Participation {
    const TABLE: &'static str = "participation";
    const COLUMNS: &'static [&'static str] = &[
        "initiative_id",
        "partner_id",
        "role",
        "ring",
        "expertise",
        "collaboration_current",
        "collaboration_desired",
        "joined_on",
        "left_on",
    ];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.initiative).into(),
            Uuid::from(self.partner).into(),
            json(&self.role)?,
            self.ring.code().into(),
            code(self.expertise.as_ref()),
            code(self.collaboration_current.as_ref()),
            code(self.collaboration_desired.as_ref()),
            self.joined_on.into(),
            self.left_on.into(),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            initiative: row.id()?,
            partner: row.id()?,
            role: row.json()?,
            ring: row.parse()?,
            expertise: row.optional_parse()?,
            collaboration_current: row.optional_parse()?,
            collaboration_desired: row.optional_parse()?,
            joined_on: row.take()?,
            left_on: row.take()?,
        })
    }

    fn sort(by: ParticipationSort) -> SortColumn {
        match by {
            ParticipationSort::JoinedOn => SortColumn::Date("joined_on"),
            ParticipationSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &ParticipationFilter, conditions: &mut Where) {
        conditions.value("t.initiative_id = {}", filter.initiative.map(Uuid::from));
        conditions.value("t.partner_id = {}", filter.partner.map(Uuid::from));
        conditions.codes("t.ring", filter.rings.as_ref());
    }

    fn parent(parent: ParticipationParent) -> ParentLink {
        match parent {
            ParticipationParent::Initiative => ParentLink::column("t.initiative_id"),
            ParticipationParent::Partner => ParentLink::column("t.partner_id"),
        }
    }
}
