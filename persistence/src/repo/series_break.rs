//! Where declared breaks of series are kept.

use domain::{
    Result,
    access::Scope,
    series_break::{SeriesBreak, SeriesBreakFilter, SeriesBreakParent, SeriesBreakSort},
};
use sea_orm::Value;
use uuid::Uuid;

use super::table::{ParentLink, SortColumn, Table, Where, optional_json};
use crate::row::Row;

impl Table for SeriesBreak {
    const TABLE: &'static str = "series_break";
    const COLUMNS: &'static [&'static str] =
        &["community_id", "indicator_id", "source_id", "starts_on", "reason", "note", "bridge"];

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            Uuid::from(self.community).into(),
            Uuid::from(self.indicator).into(),
            self.source.map(Uuid::from).into(),
            self.starts_on.into(),
            self.reason.code().into(),
            optional_json(self.note.as_ref())?,
            optional_json(self.bridge.as_ref())?,
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            community: row.id()?,
            indicator: row.id()?,
            source: row.optional_id()?,
            starts_on: row.take()?,
            reason: row.parse()?,
            note: row.optional_json()?,
            bridge: row.optional_json()?,
        })
    }

    fn sort(by: SeriesBreakSort) -> SortColumn {
        match by {
            SeriesBreakSort::CreatedAt => SortColumn::Time("created_at"),
            SeriesBreakSort::StartsOn => SortColumn::Date("starts_on"),
        }
    }

    fn filter(filter: &SeriesBreakFilter, conditions: &mut Where) {
        conditions.value("t.community_id = {}", filter.community.map(Uuid::from));
        conditions.value("t.indicator_id = {}", filter.indicator.map(Uuid::from));
    }

    fn parent(parent: SeriesBreakParent) -> ParentLink {
        match parent {
            SeriesBreakParent::Community => ParentLink::column("t.community_id"),
        }
    }

    /// A break is for those with whom the figures are shared.
    fn scope(scope: &Scope, conditions: &mut Where) {
        let sight = conditions.sight(scope);
        conditions.and_seen(&sight.shared("t.community_id", "t.indicator_id"));
    }
}
