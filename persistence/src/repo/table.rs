//! What the engine needs to know of a kind of record.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Error, Result,
    access::Scope,
    fold::fold,
    id::EntityId as _,
    record::{Meta, Noun, Stored},
    text::LocalizedText,
};
use sea_orm::{DbBackend, Value};
use uuid::Uuid;

use crate::{
    row::Row,
    sight::Sight,
    sql::{Sql, current_membership},
};

/// The columns that every record has, as [`read_stored`] reads them.
pub(super) const META: &str = "t.id, t.version, t.created_at, t.created_by, t.updated_at, t.updated_by, t.archived_at";

/// What a list is ordered by: a column, and what kind of values it holds; optional ones may hold none.
#[derive(Debug, Clone, Copy)]
pub(super) enum SortColumn {
    Text(&'static str),
    Integer(&'static str),
    Date(&'static str),
    Time(&'static str),
    OptionalInteger(&'static str),
    OptionalTime(&'static str),
}

impl SortColumn {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text(name)
            | Self::Integer(name)
            | Self::Date(name)
            | Self::Time(name)
            | Self::OptionalInteger(name)
            | Self::OptionalTime(name) => name,
        }
    }

    pub(super) const fn is_optional(self) -> bool {
        matches!(self, Self::OptionalInteger(_) | Self::OptionalTime(_))
    }
}

/// How the children of a parent are found: what is joined to the table `t`, and which column then names the parent.
pub(super) struct ParentLink {
    pub(super) join: String,
    pub(super) column: &'static str,
}

impl ParentLink {
    /// The child names its parent itself.
    pub(super) const fn column(column: &'static str) -> Self {
        Self { join: String::new(), column }
    }

    /// Another table, called `l`, links the two.
    pub(super) fn join(join: impl Into<String>, column: &'static str) -> Self {
        Self { join: join.into(), column }
    }
}

/// Rows of a link table that belong to one record.
pub(super) struct Link {
    pub(super) table: &'static str,
    /// The column that names the record itself.
    pub(super) own: &'static str,
    /// The other columns, separated by commas.
    pub(super) others: &'static str,
    /// Their values.
    pub(super) rows: Vec<Vec<Value>>,
    /// Whether rows are only ever added, each with the moment in a column `since`: those there are already stay as they are.
    pub(super) grows: bool,
}

/// A kind of record with its table.
pub(super) trait Table: Noun {
    /// The table.
    const TABLE: &'static str;
    /// The columns of its content, in the order in which [`Table::read`] reads them.
    const COLUMNS: &'static [&'static str];
    /// Columns made from the content for filters and orders: written and never read.
    const DERIVED: &'static [&'static str] = &[];
    /// The column of its natural key.
    const KEY: Option<&'static str> = None;
    /// A table with the same columns, where every version is kept that a record ever had.
    const VERSIONS: Option<&'static str> = None;

    /// The values of its columns and then of the derived ones.
    fn values(&self) -> Result<Vec<Value>>;

    /// The content, from its columns.
    fn read(row: &mut Row<'_>) -> Result<Self>;

    /// The column of an order.
    fn sort(by: Self::Sort) -> SortColumn;

    /// The conditions of a filter.
    fn filter(filter: &Self::Filter, conditions: &mut Where);

    /// How the children of a parent are found.
    fn parent(parent: Self::Parent) -> ParentLink;

    /// The conditions of what a reader may see.
    fn scope(_scope: &Scope, _conditions: &mut Where) {}

    /// What a reader may see of a record that they may see.
    #[must_use]
    fn shown(self, _scope: &Scope) -> Self {
        self
    }

    /// The rows of link tables that belong to it.
    fn links(&self) -> Vec<Link> {
        Vec::new()
    }

    /// The columns of its content in table `alias`.
    fn columns(alias: &str) -> String {
        let columns: Vec<String> = Self::COLUMNS.iter().map(|column| format!("{alias}.{column}")).collect();
        columns.join(", ")
    }
}

/// The names of all columns, in the order of [`row`].
pub(super) fn names<N: Table>() -> Vec<&'static str> {
    let meta = ["id", "version", "created_at", "created_by", "updated_at", "updated_by", "archived_at"];
    meta.iter().chain(N::COLUMNS).chain(N::DERIVED).copied().collect()
}

/// The values of all columns.
pub(super) fn row<N: Table>(record: &Stored<N>) -> Result<Vec<Value>> {
    let meta = &record.meta;
    let mut values: Vec<Value> = vec![
        record.id.uuid().into(),
        meta.version.into(),
        meta.created_at.into(),
        meta.created_by.clone().into(),
        meta.updated_at.into(),
        meta.updated_by.clone().into(),
        meta.archived_at.into(),
    ];
    values.extend(record.value.values()?);
    Ok(values)
}

/// A record, from [`META`] and the columns of its content.
pub(super) fn read_stored<N: Table>(row: &mut Row<'_>, scope: &Scope) -> Result<Stored<N>> {
    let id = row.id()?;
    let meta = Meta {
        version: row.take()?,
        created_at: row.take::<DateTime<Utc>>()?,
        created_by: row.take()?,
        updated_at: row.take()?,
        updated_by: row.take()?,
        archived_at: row.take()?,
    };
    Ok(Stored { id, meta, value: N::read(row)?.shown(scope) })
}

/// More bytes than any line of a search text has; escaped, still fewer than the 50 000 that SQLite takes for a pattern.
const LONGEST_TEXT: usize = 20_000;

/// Conditions in the making; all must hold.
pub(super) struct Where {
    pub(super) sql: Sql,
    conditions: Vec<String>,
}

impl Where {
    pub(super) const fn new(backend: DbBackend) -> Self {
        Self::with(Sql::new(backend))
    }

    /// Conditions of a statement that has begun already.
    pub(super) const fn with(sql: Sql) -> Self {
        Self { sql, conditions: Vec::new() }
    }

    /// Adds a condition.
    pub(super) fn and(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// Adds a condition on a value, where one is given; `{}` in it stands for the value.
    pub(super) fn value(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let name = self.sql.bind(value);
            self.and(condition.replace("{}", &name));
        }
    }

    /// The column has one of these values (PostgreSQL). A single one is compared as such: PostgreSQL plans a statement with
    /// a list anew at every execution, since lists may be long, and that takes longer than to find one row by its key.
    fn any<V>(&mut self, column: &str, mut values: Vec<V>)
    where
        V: Into<Value>,
        Vec<V>: Into<Value>,
    {
        let single = if values.len() == 1 { values.pop() } else { None };
        let condition = match single {
            Some(value) => format!("{column} = {}", self.sql.bind(value)),
            None => format!("{column} = ANY ({})", self.sql.bind(values)),
        };
        self.and(condition);
    }

    /// The column has one of these ids.
    pub(super) fn ids<I: Into<Uuid>>(&mut self, column: &str, ids: impl IntoIterator<Item = I>) {
        if self.sql.is_postgres() {
            let ids: Vec<Uuid> = ids.into_iter().map(Into::into).collect();
            self.any(column, ids);
        } else {
            let ids = self.sql.ids(ids, "wanted");
            self.and(format!("{column} IN (SELECT wanted.id FROM {ids})"));
        }
    }

    /// The column has one of these texts.
    pub(super) fn one_of(&mut self, column: &str, texts: impl IntoIterator<Item = String>) {
        let texts: Vec<String> = texts.into_iter().collect();
        if self.sql.is_postgres() {
            self.any(column, texts);
        } else {
            let list = self.sql.bind(serde_json::Value::from(texts).to_string());
            self.and(format!("{column} IN (SELECT value FROM json_each({list}))"));
        }
    }

    /// The column has one of these codes, where any are given.
    pub(super) fn codes<T: std::fmt::Display>(&mut self, column: &str, codes: Option<&Vec<T>>) {
        if let Some(codes) = codes {
            self.one_of(column, codes.iter().map(ToString::to_string));
        }
    }

    /// The record's texts contain this one, whatever the case and marks.
    pub(super) fn text(&mut self, text: Option<&String>) {
        let Some(text) = text.map(|text| fold(text)) else { return };
        // Nothing that is kept has a NUL or is as long, and the databases refuse to look for such texts.
        if text.contains('\0') || text.len() > LONGEST_TEXT {
            self.and("FALSE");
            return;
        }
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        self.value("t.search_text LIKE {} ESCAPE '\\'", Some(format!("%{escaped}%")));
    }

    /// The community named by `column` is a member of the network on the present day.
    pub(super) fn member(&mut self, column: &str, network: Option<impl Into<Uuid>>) {
        if let Some(network) = network {
            let members = self.members(network.into());
            self.and(format!("{column} IN ({members})"));
        }
    }

    /// A query for the communities that are members of the network on the present day.
    pub(super) fn members(&mut self, network: Uuid) -> String {
        let (network, today) = (self.sql.bind(network), self.sql.bind(today()));
        let current = current_membership("m", &today);
        format!("SELECT m.community_id FROM membership m WHERE m.network_id = {network} AND {current}")
    }

    /// Only readers whose community the column names.
    pub(super) fn only_own(&mut self, scope: &Scope, column: &str) {
        match scope {
            Scope::Everything => {}
            Scope::Public => self.and("FALSE"),
            Scope::Of(reader) => {
                let own = self.sql.ids(reader.own.iter().copied(), "own");
                self.and(format!("{column} IN (SELECT own.id FROM {own})"));
            }
        }
    }

    /// The same where the column names a community at all.
    pub(super) fn only_own_if(&mut self, scope: &Scope, column: &str) {
        match scope {
            Scope::Everything => {}
            Scope::Public => self.and(format!("{column} IS NULL")),
            Scope::Of(reader) => {
                let own = self.sql.ids(reader.own.iter().copied(), "own");
                self.and(format!("({column} IS NULL OR {column} IN (SELECT own.id FROM {own}))"));
            }
        }
    }

    /// What the reader sees of figures, as conditions.
    pub(super) fn sight(&mut self, scope: &Scope) -> Sight {
        Sight::new(&mut self.sql, scope, Utc::now())
    }

    /// Adds a condition of [`Where::sight`]: it begins with `AND`, or is empty.
    pub(super) fn and_seen(&mut self, condition: &str) {
        if let Some(condition) = condition.strip_prefix(" AND ") {
            self.and(format!("({condition})"));
        }
    }

    /// All conditions.
    pub(super) fn conditions(&self) -> String {
        if self.conditions.is_empty() { "TRUE".to_owned() } else { self.conditions.join(" AND ") }
    }
}

/// The present day: filters say “today” where their readers say so.
pub(super) fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// A value as JSON.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<Value> {
    Ok(Value::from(serde_json::to_value(value).map_err(Error::internal)?))
}

/// The same for a value that may be absent.
pub(super) fn optional_json<T: serde::Serialize>(value: Option<&T>) -> Result<Value> {
    let json = value.map(|value| serde_json::to_value(value).map_err(Error::internal)).transpose()?;
    Ok(Value::from(json))
}

/// A code, or nothing.
pub(super) fn code<T: ToString>(value: Option<&T>) -> Value {
    Value::from(value.map(ToString::to_string))
}

/// What names are ordered by: the name in its source language, without case and marks.
pub(super) fn name_key(name: &LocalizedText) -> Value {
    fold(name.resolve(&[]).text).into()
}

/// What texts are searched in: the name in every language and whatever else, one a line.
pub(super) fn search_text<'a>(name: &'a LocalizedText, others: impl IntoIterator<Item = &'a str>) -> Value {
    let lines: Vec<String> = name.iter().map(|(_, text)| text).chain(others).map(fold).collect();
    lines.join("\n").into()
}
