//! Where declared breaks of series are kept.

use chrono::{DateTime, Utc};
use domain::{
    Result,
    access::Scope,
    id::IndicatorId,
    record::Stored,
    series_break::{SeriesBreak, SeriesBreakFilter, SeriesBreakParent, SeriesBreakSort},
};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::table::{META, ParentLink, SortColumn, Table, Where, optional_json, read_stored};
use crate::{error::database, row::Row, sql::Sql};

/// The table of the breaks `alias` that count, and after `WHERE` the condition that they do: those that stand, or as they stood at the
/// moment of a parameter.
pub(crate) fn counting(alias: &str, moment: Option<&str>) -> String {
    let Some(moment) = moment else {
        return format!("series_break {alias} WHERE {alias}.archived_at IS NULL");
    };
    format!(
        "series_break_version {alias} WHERE {alias}.archived_at IS NULL AND {alias}.updated_at <= {moment} \
         AND NOT EXISTS (SELECT 1 FROM series_break_version later WHERE later.id = {alias}.id \
         AND later.version > {alias}.version AND later.updated_at <= {moment})"
    )
}

/// See [`domain::port::figures::Figures::declared_breaks`].
pub(crate) async fn declared<C: ConnectionTrait>(
    db: &C,
    indicator: IndicatorId,
    as_of: Option<DateTime<Utc>>,
) -> Result<Vec<Stored<SeriesBreak>>> {
    let mut sql = Sql::new(db.get_database_backend());
    let moment = as_of.map(|moment| sql.bind(moment));
    let (counting, indicator) = (counting("t", moment.as_deref()), sql.bind(Uuid::from(indicator)));
    let text = format!("SELECT {META}, {} FROM {counting} AND t.indicator_id = {indicator}", SeriesBreak::columns("t"));
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.iter().map(|row| read_stored(&mut Row::new(row)?, &Scope::Everything)).collect()
}

impl Table for SeriesBreak {
    const TABLE: &'static str = "series_break";
    const COLUMNS: &'static [&'static str] =
        &["community_id", "indicator_id", "source_id", "starts_on", "reason", "note", "bridge"];
    const VERSIONS: Option<&'static str> = Some("series_break_version");

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
