//! Where partners are kept.

use domain::{
    Result,
    partner::{Partner, PartnerFilter, PartnerParent, PartnerSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, code, json, name_key, search_text};
use crate::row::Row;

impl Table for Partner {
    const TABLE: &'static str = "partner";
    const COLUMNS: &'static [&'static str] = &["slug", "name", "sector", "url", "identifiers"];
    const DERIVED: &'static [&'static str] = &["name_key", "search_text"];
    const KEY: Option<&'static str> = Some("slug");

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.slug.to_string().into(),
            json(&self.name)?,
            self.sector.code().into(),
            code(self.url.as_ref()),
            json(&self.identifiers)?,
            name_key(&self.name),
            search_text(&self.name, [self.slug.as_str()]),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            slug: row.parse()?,
            name: row.json()?,
            sector: row.parse()?,
            url: row.optional_parse()?,
            identifiers: row.json()?,
        })
    }

    fn sort(by: PartnerSort) -> SortColumn {
        match by {
            PartnerSort::Name => SortColumn::Text("name_key"),
            PartnerSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &PartnerFilter, conditions: &mut Where) {
        conditions.codes("t.sector", filter.sectors.as_ref());
        conditions.value(
            "t.id IN (SELECT p.partner_id FROM participation p WHERE p.archived_at IS NULL AND p.initiative_id = {})",
            filter.initiative.map(Uuid::from),
        );
        conditions.value(
            "t.id IN (SELECT p.partner_id FROM participation p JOIN initiative i ON i.id = p.initiative_id \
             JOIN initiative_community j ON j.initiative_id = i.id \
             WHERE p.archived_at IS NULL AND i.archived_at IS NULL AND j.community_id = {})",
            filter.community.map(Uuid::from),
        );
        conditions.text(filter.text.as_ref());
    }

    fn parent(parent: PartnerParent) -> ParentLink {
        match parent {
            PartnerParent::Community => ParentLink::join(
                "JOIN (SELECT DISTINCT j.community_id, p.partner_id FROM participation p \
                 JOIN initiative i ON i.id = p.initiative_id JOIN initiative_community j ON j.initiative_id = i.id \
                 WHERE p.archived_at IS NULL AND i.archived_at IS NULL) AS l ON l.partner_id = t.id",
                "l.community_id",
            ),
        }
    }
}
