//! Where initiatives are kept.

use domain::{
    Result,
    initiative::{Initiative, InitiativeFilter, InitiativeParent, InitiativeSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{Link, ParentLink, SortColumn, Table, Where, code, json, name_key, optional_json, search_text};
use crate::row::Row;

impl Table for Initiative {
    const TABLE: &'static str = "initiative";
    const COLUMNS: &'static [&'static str] = &[
        "slug",
        "community_id",
        "other_communities",
        "issue",
        "title",
        "summary",
        "started_on",
        "expected_end_on",
        "status",
        "phases",
    ];
    const DERIVED: &'static [&'static str] = &["phase", "name_key", "search_text"];
    const KEY: Option<&'static str> = Some("slug");

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.slug.to_string().into(),
            Uuid::from(self.community).into(),
            json(&self.other_communities)?,
            self.issue.code().into(),
            json(&self.title)?,
            optional_json(self.summary.as_ref())?,
            self.started_on.into(),
            self.expected_end_on.into(),
            self.status.code().into(),
            json(&self.phases)?,
            code(self.current_phase().map(|interval| interval.phase).as_ref()),
            name_key(&self.title),
            search_text(&self.title, [self.slug.as_str()]),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            slug: row.parse()?,
            community: row.id()?,
            other_communities: row.json()?,
            issue: row.parse()?,
            title: row.json()?,
            summary: row.optional_json()?,
            started_on: row.take()?,
            expected_end_on: row.take()?,
            status: row.parse()?,
            phases: row.json()?,
        })
    }

    fn sort(by: InitiativeSort) -> SortColumn {
        match by {
            InitiativeSort::Title => SortColumn::Text("name_key"),
            InitiativeSort::StartedOn => SortColumn::Date("started_on"),
            InitiativeSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &InitiativeFilter, conditions: &mut Where) {
        conditions.value(
            "t.id IN (SELECT j.initiative_id FROM initiative_community j WHERE j.community_id = {})",
            filter.community.map(Uuid::from),
        );
        conditions.member("t.community_id", filter.network);
        conditions.value(
            "t.id IN (SELECT p.initiative_id FROM participation p WHERE p.archived_at IS NULL AND p.partner_id = {})",
            filter.partner.map(Uuid::from),
        );
        conditions.codes("t.issue", filter.issues.as_ref());
        conditions.codes("t.status", filter.statuses.as_ref());
        conditions.codes("t.phase", filter.phases.as_ref());
        conditions.text(filter.text.as_ref());
    }

    fn parent(parent: InitiativeParent) -> ParentLink {
        match parent {
            InitiativeParent::Community => {
                ParentLink::join("JOIN initiative_community l ON l.initiative_id = t.id", "l.community_id")
            }
        }
    }

    /// The lead community too, so that one table answers for all.
    fn links(&self) -> Vec<Link> {
        let communities = std::iter::once(&self.community).chain(&self.other_communities);
        let rows = communities.map(|&id| vec![Uuid::from(id).into()]).collect();
        vec![Link { table: "initiative_community", own: "initiative_id", others: "community_id", rows, grows: false }]
    }
}
