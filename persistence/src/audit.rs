//! The audit log: one table to which entries are added. The database itself refuses to change or remove one.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    Error, Result,
    audit::{AuditFilter, AuditSight, AuditSort, Changes, Entry, NewEntry},
    error::ProblemCode,
    id::{NodeKind, NodeRef},
    page::{Cursor, CursorValue, Direction, ListQuery, Page},
    port::audit::AuditLog,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use crate::{
    columns::{Column, Columns, column},
    error::database,
    repo::Repos,
    row::Row,
    sql::Sql,
};

/// What an entry says, in the order in which [`read`] reads it and [`values`] writes it to `SQLite`.
const COLUMNS: &str = "at, actor, actor_kind, action, object_kind, object_id, community_id, network_id, changes, request_id, \
                       address, detail";
/// How many entries go into one statement on `SQLite`, and on PostgreSQL, which takes columns.
const CHUNK: usize = 500;
const LARGE_CHUNK: usize = 5_000;
/// How long units of work that have recorded are waited for, and how often they are looked for.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> AuditLog for Repos<C> {
    async fn record(&self, entries: &[NewEntry]) -> Result<()> {
        if self.0.get_database_backend() == DbBackend::Postgres {
            return self.record_arrays(entries).await;
        }
        for chunk in entries.chunks(CHUNK) {
            let mut sql = Sql::new(self.0.get_database_backend());
            let mut rows = Vec::with_capacity(chunk.len());
            for entry in chunk {
                let values: Vec<String> = values(entry)?.into_iter().map(|value| sql.next(value)).collect();
                rows.push(format!("({})", values.join(", ")));
            }
            let text = format!("INSERT INTO audit_entry ({COLUMNS}) VALUES {}", rows.join(", "));
            self.0.execute_raw(sql.statement(text)).await.map_err(database)?;
        }
        Ok(())
    }

    async fn list(&self, sight: &AuditSight, query: &ListQuery<AuditFilter, AuditSort>) -> Result<Page<Entry>> {
        let begun = || {
            let mut conditions = Conditions::new(self.0.get_database_backend());
            conditions.sight(sight);
            conditions.filter(&query.filter);
            conditions
        };
        let total = if query.count {
            let rows = self.rows(begun().select("count(*)", "")).await?;
            let row = rows.first().ok_or_else(|| Error::internal("a count without a row"))?;
            Some(u64::try_from(Row::new(row)?.take::<i64>()?).map_err(Error::internal)?)
        } else {
            None
        };
        let ascending = query.order.direction == Direction::Ascending;
        let mut conditions = begun();
        conditions.beyond(query.page.after.as_ref(), ascending, "after")?;
        conditions.beyond(query.page.before.as_ref(), !ascending, "before")?;
        // Seen from the side that the page is counted from.
        let way = if ascending == query.page.from_end { "DESC" } else { "ASC" };
        let order = format!("ORDER BY place {way} LIMIT {}", query.page.size + 1);
        let entries = self.entries(conditions, &order).await?;
        let fetched = entries.into_iter().map(|entry| (entry.cursor(query.order), entry)).collect();
        Ok(Page::from_fetched(fetched, &query.page, total))
    }

    async fn after(&self, filter: &AuditFilter, place: i64, last: i64, most: u64) -> Result<Vec<Entry>> {
        let mut conditions = Conditions::new(self.0.get_database_backend());
        conditions.filter(filter);
        conditions.value("place > {}", Some(place));
        conditions.value("place <= {}", Some(last));
        self.entries(conditions, &format!("ORDER BY place LIMIT {most}")).await
    }

    async fn settled(&self) -> Result<i64> {
        let newest = "SELECT coalesce(max(place), 0) FROM audit_entry";
        let newest: i64 =
            match self.rows(Sql::new(self.0.get_database_backend()).statement(newest.to_owned())).await?.first() {
                Some(row) => Row::new(row)?.take()?,
                None => 0,
            };
        // SQLite writes one unit of work after the other, so a place that can be read has none before it to come.
        if self.0.get_database_backend() == DbBackend::Postgres {
            self.await_writers().await?;
        }
        Ok(newest)
    }
}

impl<C: ConnectionTrait> Repos<C> {
    async fn record_arrays(&self, entries: &[NewEntry]) -> Result<()> {
        for chunk in entries.chunks(LARGE_CHUNK) {
            let told = chunk.iter().map(|entry| Ok(Told { entry, changes: changes(entry)? }));
            let rows = told.collect::<Result<Vec<_>>>()?;
            let mut sql = Sql::new(DbBackend::Postgres);
            let of = Columns::new(&mut sql, "w", &rows, &columns());
            let text = format!("INSERT INTO audit_entry ({}) SELECT {} FROM {}", of.names(), of.values(), of.table());
            self.0.execute_raw(sql.statement(text)).await.map_err(database)?;
        }
        Ok(())
    }

    async fn rows(&self, statement: Statement) -> Result<Vec<sea_orm::QueryResult>> {
        self.0.query_all_raw(statement).await.map_err(database)
    }

    async fn entries(&self, conditions: Conditions, order: &str) -> Result<Vec<Entry>> {
        let rows = self.rows(conditions.select(&format!("place, {COLUMNS}"), order)).await?;
        rows.iter().map(|row| read(&mut Row::new(row)?)).collect()
    }

    /// Waits until every transaction that is now writing to the log has ended. Whoever takes a place holds this lock from
    /// before until its transaction ends; looking at locks, unlike asking for one that excludes them, holds nobody up.
    async fn await_writers(&self) -> Result<()> {
        let writers = async || -> Result<Vec<String>> {
            let text = "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' \
                        AND relation = 'audit_entry'::regclass \
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            let rows = self.rows(Sql::new(DbBackend::Postgres).statement(text.to_owned())).await?;
            rows.iter().map(|row| Row::new(row)?.take()).collect()
        };
        let mut awaited = writers().await?;
        let mut waited = Duration::ZERO;
        while !awaited.is_empty() {
            if waited >= PATIENCE {
                tracing::warn!("a unit of work that has recorded in the audit log does not end");
                return Err(Error::Busy);
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
            let present = writers().await?;
            awaited.retain(|writer| present.contains(writer));
        }
        Ok(())
    }
}

/// An entry with what has changed as it is kept.
struct Told<'a> {
    entry: &'a NewEntry,
    changes: Option<serde_json::Value>,
}

/// The columns of [`COLUMNS`], as PostgreSQL takes them.
const fn columns<'a>() -> [Column<Told<'a>>; 12] {
    [
        column!("at", "timestamptz", quote, of => Some(of.entry.at.to_rfc3339_opts(SecondsFormat::Micros, true))),
        column!("actor", "text", quote, of => Some(of.entry.actor.as_str())),
        column!("actor_kind", "text", put, of => Some(of.entry.actor_kind.code())),
        column!("action", "text", put, of => Some(of.entry.action.code())),
        column!("object_kind", "text", put, of => of.entry.object.map(|object| object.kind.name())),
        column!("object_id", "uuid", put, of => of.entry.object.map(|object| object.id)),
        column!("community_id", "uuid", put, of => of.entry.community),
        column!("network_id", "uuid", put, of => of.entry.network),
        column!("changes", "jsonb", quote, of => of.changes.as_ref().map(ToString::to_string)),
        column!("request_id", "text", quote, of => of.entry.request_id.as_deref()),
        column!("address", "text", quote, of => of.entry.address.as_deref()),
        column!("detail", "text", quote, of => of.entry.detail.as_deref()),
    ]
}

/// What has changed, as it is kept: nothing if nothing has.
fn changes(entry: &NewEntry) -> Result<Option<serde_json::Value>> {
    let changes = if entry.changes.is_empty() { None } else { Some(&entry.changes) };
    changes.map(serde_json::to_value).transpose().map_err(Error::internal)
}

fn values(entry: &NewEntry) -> Result<[Value; 12]> {
    Ok([
        entry.at.into(),
        entry.actor.clone().into(),
        entry.actor_kind.code().into(),
        entry.action.code().into(),
        entry.object.map(|object| object.kind.name()).into(),
        entry.object.map(|object| object.id).into(),
        entry.community.map(Uuid::from).into(),
        entry.network.map(Uuid::from).into(),
        changes(entry)?.into(),
        entry.request_id.clone().into(),
        entry.address.clone().into(),
        entry.detail.clone().into(),
    ])
}

fn read(row: &mut Row<'_>) -> Result<Entry> {
    Ok(Entry {
        place: row.take()?,
        said: NewEntry {
            at: row.take::<DateTime<Utc>>()?,
            actor: row.take()?,
            actor_kind: row.parse()?,
            action: row.parse()?,
            object: object(row.take()?, row.take()?)?,
            community: row.optional_id()?,
            network: row.optional_id()?,
            changes: row.optional_json::<Changes>()?.unwrap_or_default(),
            request_id: row.take()?,
            address: row.take()?,
            detail: row.take()?,
        },
    })
}

fn object(kind: Option<&str>, id: Option<Uuid>) -> Result<Option<NodeRef>> {
    let (Some(name), Some(id)) = (kind, id) else { return Ok(None) };
    let kind = NodeKind::ALL.iter().copied().find(|kind| kind.name() == name);
    let kind = kind.ok_or_else(|| Error::internal(format!("an entry about an unknown kind of record: {name}")))?;
    Ok(Some(NodeRef { kind, id }))
}

/// Conditions on entries in the making; all must hold.
struct Conditions {
    sql: Sql,
    all: Vec<String>,
}

impl Conditions {
    const fn new(backend: DbBackend) -> Self {
        Self { sql: Sql::new(backend), all: Vec::new() }
    }

    /// Adds a condition on a value, where one is given; `{}` in it stands for the value.
    fn value(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let name = self.sql.bind(value);
            self.all.push(condition.replace("{}", &name));
        }
    }

    fn sight(&mut self, sight: &AuditSight) {
        let AuditSight::Of { communities, networks } = sight else { return };
        let communities = self.sql.ids(communities.iter().copied(), "own");
        let networks = self.sql.ids(networks.iter().copied(), "own");
        self.all.push(format!(
            "(community_id IN (SELECT own.id FROM {communities}) OR network_id IN (SELECT own.id FROM {networks}))"
        ));
    }

    fn filter(&mut self, filter: &AuditFilter) {
        // No name that is kept has a NUL, and PostgreSQL refuses to hear of one.
        if filter.actor.as_ref().is_some_and(|actor| actor.contains('\0')) {
            self.all.push("FALSE".to_owned());
        } else {
            self.value("actor = {}", filter.actor.clone());
        }
        if let Some(actions) = &filter.actions {
            let codes: Vec<String> = actions.iter().map(|action| self.sql.bind(action.code())).collect();
            self.all.push(if codes.is_empty() {
                "FALSE".to_owned()
            } else {
                format!("action IN ({})", codes.join(", "))
            });
        }
        self.value("object_kind = {}", filter.object.map(|object| object.kind.name()));
        self.value("object_id = {}", filter.object.map(|object| object.id));
        self.value("community_id = {}", filter.community.map(Uuid::from));
        self.value("network_id = {}", filter.network.map(Uuid::from));
        self.value("at >= {}", filter.from);
        self.value("at < {}", filter.until);
    }

    /// The entry lies above the cursor, or below it.
    fn beyond(&mut self, cursor: Option<&Cursor>, upwards: bool, field: &'static str) -> Result<()> {
        let Some(cursor) = cursor else { return Ok(()) };
        let CursorValue::Integer(place) = cursor.value else {
            return Err(Error::invalid(field, ProblemCode::Invalid, "this is not a cursor of this list"));
        };
        self.value(if upwards { "place > {}" } else { "place < {}" }, Some(place));
        Ok(())
    }

    fn select(self, what: &str, order: &str) -> Statement {
        let conditions = if self.all.is_empty() { "TRUE".to_owned() } else { self.all.join(" AND ") };
        self.sql.statement(format!("SELECT {what} FROM audit_entry WHERE {conditions} {order}"))
    }
}
