//! Where mappings are kept, with every version of what they say.

use domain::{
    Result,
    id::MappingId,
    mapping::{ColumnMapping, Mapping, MappingFilter, MappingSort, MappingVersion},
    record::NoParent,
};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::table::{Link, ParentLink, SortColumn, Table, Where, json};
use crate::{error::database, row::Row, sql::Sql};

impl Table for Mapping {
    const TABLE: &'static str = "mapping";
    const COLUMNS: &'static [&'static str] = &["key", "source_id", "number", "content"];
    const KEY: Option<&'static str> = Some("key");

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![self.key.to_string().into(), Uuid::from(self.source).into(), self.number.into(), json(&self.content)?])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { key: row.parse()?, source: row.id()?, number: row.take()?, content: row.json()? })
    }

    fn sort(by: MappingSort) -> SortColumn {
        match by {
            MappingSort::Key => SortColumn::Text("key"),
            MappingSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &MappingFilter, conditions: &mut Where) {
        conditions.value("t.source_id = {}", filter.source.map(Uuid::from));
    }

    fn parent(parent: NoParent) -> ParentLink {
        match parent {}
    }

    /// What a version says is kept for good when it is said for the first time.
    fn links(&self) -> Vec<Link> {
        let content = json(&self.content).unwrap_or(Value::Json(None));
        let rows = vec![vec![self.number.into(), content]];
        vec![Link { table: "mapping_version", own: "mapping_id", others: "number, content", rows, grows: true }]
    }
}

/// See [`domain::port::store::Repositories::mapping_versions`].
pub(super) async fn versions<C: ConnectionTrait>(
    db: &C,
    mappings: &[MappingId],
    below: Option<i32>,
    most: i32,
) -> Result<Vec<MappingVersion>> {
    if mappings.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend());
    let wanted = sql.ids(mappings.iter().copied(), "wanted");
    let (below, most) = (sql.bind(below.unwrap_or(i32::MAX)), sql.bind(most));
    // Versions are numbered without gaps.
    let end = format!("CASE WHEN m.number < {below} THEN m.number + 1 ELSE {below} END");
    let text = format!(
        "SELECT v.mapping_id, v.number, v.since FROM {wanted} JOIN mapping m ON m.id = wanted.id \
         JOIN mapping_version v ON v.mapping_id = m.id AND v.number < {end} AND v.number >= {end} - {most} \
         ORDER BY v.mapping_id, v.number DESC"
    );
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.iter()
        .map(|row| {
            let mut row = Row::new(row)?;
            Ok(MappingVersion { mapping: row.id()?, number: row.take()?, since: row.take()? })
        })
        .collect()
}

/// See [`domain::port::store::Repositories::mapping_contents`].
pub(super) async fn contents<C: ConnectionTrait>(
    db: &C,
    versions: &[(MappingId, i32)],
) -> Result<Vec<((MappingId, i32), ColumnMapping)>> {
    if versions.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend());
    let wanted = sql.ids(versions.iter().map(|(mapping, _)| *mapping), "wanted");
    // All are mostly of one number, so that a range holds few others.
    let numbers = || versions.iter().map(|(_, number)| *number);
    let (least, most) = (sql.bind(numbers().min()), sql.bind(numbers().max()));
    let text = format!(
        "SELECT v.mapping_id, v.number, v.content FROM {wanted} JOIN mapping_version v \
         ON v.mapping_id = wanted.id AND v.number BETWEEN {least} AND {most}"
    );
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.iter()
        .map(|row| {
            let mut row = Row::new(row)?;
            Ok(((row.id()?, row.take()?), row.json()?))
        })
        .filter(|found| !matches!(found, Ok((version, _)) if !versions.contains(version)))
        .collect()
}
