//! Where sources are kept.

use domain::{
    Result,
    record::NoParent,
    source::{Source, SourceFilter, SourceSort},
};
use sea_orm::Value;

use super::table::{ParentLink, SortColumn, Table, Where, code, json, name_key, optional_json, search_text};
use crate::row::Row;

impl Table for Source {
    const TABLE: &'static str = "source";
    const COLUMNS: &'static [&'static str] = &["key", "name", "url", "method", "disclosure_controlled"];
    const DERIVED: &'static [&'static str] = &["name_key", "search_text"];
    const KEY: Option<&'static str> = Some("key");

    fn values(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.key.to_string().into(),
            json(&self.name)?,
            code(self.url.as_ref()),
            optional_json(self.method.as_ref())?,
            self.disclosure_controlled.into(),
            name_key(&self.name),
            search_text(&self.name, [self.key.as_str()]),
        ])
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            key: row.parse()?,
            name: row.json()?,
            url: row.optional_parse()?,
            method: row.optional_json()?,
            disclosure_controlled: row.take()?,
        })
    }

    fn sort(by: SourceSort) -> SortColumn {
        match by {
            SourceSort::Name => SortColumn::Text("name_key"),
            SourceSort::CreatedAt => SortColumn::Time("created_at"),
        }
    }

    fn filter(filter: &SourceFilter, conditions: &mut Where) {
        conditions.text(filter.text.as_ref());
    }

    fn parent(parent: NoParent) -> ParentLink {
        match parent {}
    }
}
