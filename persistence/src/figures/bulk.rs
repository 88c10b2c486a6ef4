//! Writing many revisions with few statements: the one place where the two databases go apart, because it pays.
//!
//! PostgreSQL takes each column as one array, written as text: the server reads it faster than the driver would encode
//! single values, and the driver's own arrays know no null. `SQLite` takes rows as parameters, since it would not read
//! every double back from text as it was.

use std::fmt::{Display, Write as _};

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use domain::{
    Error, Result,
    id::SeriesId,
    observation::{Figure, NewObservation},
    revision::{Cause, RetractionReason},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use super::rollup;
use crate::{
    error::database,
    row::Row,
    sql::{Sql, overwrite_figure},
};

/// A figure to write, with the number of its revision.
#[derive(Clone, Copy)]
pub(super) struct Revision<'a> {
    pub(super) new: &'a NewObservation,
    pub(super) revision: i32,
}

impl Revision<'_> {
    /// The order of the primary key: rows written in it find their neighbours' pages at hand.
    pub(super) fn place(&self) -> (SeriesId, chrono::NaiveDate, chrono::NaiveDate) {
        (self.new.series, self.new.period.end(), self.new.period.start())
    }
}

/// Writes revisions of figures, recorded at `at` by `by`. PostgreSQL reads them once for the rollup, too: answers how many of `grown`,
/// which are some of these rows in the same order, have taken the place of older values there.
pub(super) async fn insert<C: ConnectionTrait>(
    db: &C,
    rows: &[Revision<'_>],
    grown: &[Revision<'_>],
    (at, by): (DateTime<Utc>, &str),
) -> Result<usize> {
    if Sql::new(db.get_database_backend()).is_postgres() {
        return insert_arrays(db, rows, grown, (at, by)).await;
    }
    let mut rest = rows;
    let mut ready = next_batch(&mut rest, at, by);
    while let Some(statement) = ready {
        // The driver runs statements on a thread of its own: what it is to run next is put together meanwhile.
        let (done, next) = tokio::join!(biased; db.execute_raw(statement), async { next_batch(&mut rest, at, by) });
        done.map_err(database)?;
        ready = next;
    }
    Ok(0)
}

/// The statement that inserts as many of the rows as go together, which are taken away; none when there are no more.
fn next_batch(rest: &mut &[Revision<'_>], at: DateTime<Utc>, by: &str) -> Option<Statement> {
    // Few sizes, so that few texts are ever prepared.
    let (batch, others) = [500, 50, 5, 1].iter().find_map(|&size| rest.split_at_checked(size))?;
    *rest = others;
    let first = batch.first()?;
    Some(insert_of(batch, first, at, by))
}

/// One column as the text of a PostgreSQL array.
#[derive(Default)]
struct Column {
    text: String,
    rows: usize,
}

impl Column {
    /// The value of row `row`. Rows left out are null; those after the last value given, too, since `unnest` fills up what
    /// is shorter. So a column without values costs nothing.
    fn put(&mut self, row: usize, value: Option<impl Display>) {
        if let Some(value) = value {
            self.begin(row);
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{value}");
        }
    }

    fn put_text(&mut self, row: usize, value: Option<&str>) {
        if let Some(value) = value {
            self.begin(row);
            self.text.push('"');
            for c in value.chars() {
                if matches!(c, '"' | '\\') {
                    self.text.push('\\');
                }
                self.text.push(c);
            }
            self.text.push('"');
        }
    }

    fn begin(&mut self, row: usize) {
        self.text.push(if self.rows == 0 { '{' } else { ',' });
        for _ in self.rows..row {
            self.text.push_str("NULL,");
        }
        self.rows = row + 1;
    }

    fn value(mut self) -> Value {
        self.text.push_str(if self.rows == 0 { "{}" } else { "}" });
        self.text.into()
    }
}

async fn insert_arrays<C: ConnectionTrait>(
    db: &C,
    rows: &[Revision<'_>],
    grown: &[Revision<'_>],
    (at, by): (DateTime<Utc>, &str),
) -> Result<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    let mut sql = Sql::new(db.get_database_backend());
    let Arrays { names, table } = arrays(&mut sql, rows, grown);
    let (at, by) = (sql.bind(at), sql.bind(by));
    let insert = |from: &str| {
        format!(
            "INSERT INTO observation ({names}, recorded_at, recorded_by, superseded_at) \
             SELECT {names}, {at}, {by}, CASE WHEN retraction IS NOT NULL THEN {at} END FROM {from}"
        )
    };
    if grown.is_empty() {
        let text = insert(&format!("{table} AS t({names}, grown)"));
        return db.execute_raw(sql.statement(text)).await.map_err(database).map(|_| 0);
    }
    let text = format!(
        "WITH w AS MATERIALIZED (SELECT t.*, {at} AS recorded_at, {by} AS recorded_by FROM {table} AS t({names}, grown)), \
         written AS ({insert}), raised AS (UPDATE latest_observation l SET {set} FROM w \
         WHERE w.grown AND l.series_id = w.series_id AND {older} < {newer} RETURNING 1) SELECT count(*) FROM raised",
        insert = insert("w"),
        set = overwrite_figure("w"),
        older = rollup::place("l"),
        newer = rollup::place("w"),
    );
    let row = db.query_one_raw(sql.statement(text)).await.map_err(database)?;
    let row = row.ok_or_else(|| Error::internal("a count answered nothing"))?;
    usize::try_from(Row::new(&row)?.take::<i64>()?).map_err(Error::internal)
}

/// A table `o` of these revisions on PostgreSQL, with the columns that they have in the table of observations: what was just written
/// need not be looked up to be written elsewhere.
pub(super) fn written(sql: &mut Sql, rows: &[Revision<'_>], at: DateTime<Utc>, by: &str) -> String {
    let Arrays { names, table } = arrays(sql, rows, &[]);
    let (at, by) = (sql.bind(at), sql.bind(by));
    format!("(SELECT t.*, {at} AS recorded_at, {by} AS recorded_by FROM {table} AS t({names}, grown)) AS o")
}

/// Rows as arrays: the names of their columns, and the function that makes rows of them, with one more column that says whether a row
/// is one of those that have grown their series.
struct Arrays {
    names: String,
    table: String,
}

fn arrays(sql: &mut Sql, rows: &[Revision<'_>], grown: &[Revision<'_>]) -> Arrays {
    const COLUMNS: [(&str, &str); 18] = [
        ("series_id", "uuid"),
        ("period_kind", "text"),
        ("period_start", "date"),
        ("period_end", "date"),
        ("revision", "int4"),
        ("value", "float8"),
        ("numerator", "float8"),
        ("denominator", "float8"),
        ("lower_limit", "float8"),
        ("upper_limit", "float8"),
        ("status", "text"),
        ("confidentiality", "text"),
        ("embargo_until", "timestamptz"),
        ("note", "text"),
        ("external_id", "text"),
        ("restatement", "text"),
        ("retraction", "text"),
        ("sent_in_by", "text"),
    ];
    let mut columns: [Column; 18] = Default::default();
    let [
        series,
        kind,
        start,
        end,
        revision,
        value,
        numerator,
        denominator,
        lower,
        upper,
        status,
        confidentiality,
        embargo,
        note,
        external,
        restatement,
        retraction,
        sent_in_by,
    ] = &mut columns;
    let (mut flags, mut grown) = (Column::default(), grown.iter().peekable());
    for (at, Revision { new, revision: number }) in rows.iter().enumerate() {
        let (period, figure) = (new.period, &new.figure);
        flags.put(at, grown.next_if(|grown| std::ptr::eq(grown.new, *new)).map(|_| 't'));
        series.put(at, Some(new.series));
        kind.put(at, Some(period.kind().code()));
        start.put(at, Some(period.start()));
        end.put(at, Some(period.end()));
        revision.put(at, Some(number));
        value.put(at, figure.value);
        numerator.put(at, figure.numerator);
        denominator.put(at, figure.denominator);
        lower.put(at, figure.lower);
        upper.put(at, figure.upper);
        status.put(at, Some(figure.status.code()));
        confidentiality.put(at, Some(figure.confidentiality.code()));
        embargo.put_text(
            at,
            figure.embargo_until.map(|until| until.to_rfc3339_opts(SecondsFormat::Micros, true)).as_deref(),
        );
        note.put_text(at, figure.note.as_deref());
        external.put_text(at, figure.external_id.as_deref());
        restatement.put_text(at, new.cause.restatement.as_ref().map(ToString::to_string).as_deref());
        retraction.put(at, new.cause.retraction.map(RetractionReason::code));
        sent_in_by.put_text(at, new.cause.sent_in_by.as_deref());
    }
    let (mut arrays, mut names) = (String::new(), String::new());
    for (column, (name, kind)) in columns.into_iter().zip(COLUMNS) {
        let comma = if names.is_empty() { "" } else { ", " };
        let array = sql.bind(column.value());
        let _ = write!(arrays, "{comma}{array}::text::{kind}[]");
        let _ = write!(names, "{comma}{name}");
    }
    let flags = sql.bind(flags.value());
    Arrays { names, table: format!("unnest({arrays}, {flags}::text::bool[])") }
}

/// What most batches say in every row alike: a column, whether two rows say the same there, and what a row says.
type Common = (&'static str, fn(&Revision<'_>, &Revision<'_>) -> bool, fn(&Revision<'_>) -> Value);
const COMMON: [Common; 4] = [
    ("period_kind", |a, b| a.new.period.kind() == b.new.period.kind(), |row| row.new.period.kind().code().into()),
    ("status", |a, b| a.new.figure.status == b.new.figure.status, |row| row.new.figure.status.code().into()),
    (
        "confidentiality",
        |a, b| a.new.figure.confidentiality == b.new.figure.confidentiality,
        |row| row.new.figure.confidentiality.code().into(),
    ),
    ("revision", |a, b| a.revision == b.revision, |row| row.revision.into()),
];
/// What every row says for itself.
const OWN: [&str; 4] = ["series_id", "period_start", "period_end", "value"];
/// The columns that many files leave empty altogether; a batch that does so does not name them.
const OPTIONAL: [&[&str]; 4] = [
    &["numerator", "denominator"],
    &["lower_limit", "upper_limit"],
    &["embargo_until", "note", "external_id"],
    &["restatement", "retraction", "superseded_at", "sent_in_by"],
];

/// What is alike in all rows of a batch is given once: parameters are what the driver and `SQLite` spend most on.
fn insert_of(rows: &[Revision<'_>], first: &Revision<'_>, at: DateTime<Utc>, by: &str) -> Statement {
    let (alike, differing): (Vec<_>, Vec<_>) =
        COMMON.iter().partition(|(_, same, _)| rows.iter().all(|row| same(row, first)));
    let some = |has: fn(&Figure) -> bool| rows.iter().any(|row| has(&row.new.figure));
    let ratio = some(|figure| figure.numerator.is_some() || figure.denominator.is_some());
    let limits = some(|figure| figure.lower.is_some() || figure.upper.is_some());
    let texts = some(|figure| figure.embargo_until.is_some() || figure.note.is_some() || figure.external_id.is_some());
    let causes = rows.iter().any(|row| row.new.cause != Cause::default());
    let mut sql = Sql::new(DbBackend::Sqlite);
    sql.reserve(6 + rows.len() * 19);
    sql.push(at);
    sql.push(by);
    for (_, _, value) in &alike {
        sql.push(value(first));
    }
    for row in rows {
        let (period, figure) = (row.new.period, &row.new.figure);
        for (_, _, value) in &differing {
            sql.push(value(row));
        }
        sql.push(Uuid::from(row.new.series));
        // The driver would write dates by a pattern, which takes several times as long.
        sql.push(period.start().to_string());
        sql.push(period.end().to_string());
        sql.push(figure.value);
        if ratio {
            sql.push(figure.numerator);
            sql.push(figure.denominator);
        }
        if limits {
            sql.push(figure.lower);
            sql.push(figure.upper);
        }
        if texts {
            sql.push(figure.embargo_until.map(|until| until.trunc_subsecs(6)));
            sql.push(figure.note.clone());
            sql.push(figure.external_id.clone());
        }
        if causes {
            sql.push(row.new.cause.restatement.as_ref().map(ToString::to_string));
            sql.push(row.new.cause.retraction.map(RetractionReason::code));
            sql.push(row.new.cause.retraction.map(|_| at));
            sql.push(row.new.cause.sent_in_by.clone());
        }
    }
    let present = OPTIONAL.iter().zip([ratio, limits, texts, causes]).filter(|(_, present)| *present);
    let own = differing.iter().map(|(name, ..)| *name).chain(OWN).chain(present.flat_map(|(names, _)| *names).copied());
    let once = ["recorded_at", "recorded_by"].into_iter().chain(alike.iter().map(|(name, ..)| *name));
    sql.statement(text_of_rows(rows.len(), &once.collect::<Vec<_>>(), &own.collect::<Vec<_>>()))
}

/// The statement that inserts so many rows, with columns that are given once for all and columns of their own.
fn text_of_rows(rows: usize, once: &[&str], own: &[&str]) -> String {
    // Bare parameters: `SQLite` and its driver look numbered ones up in a list, one by one.
    let parameters = |columns: &[&str]| vec!["?"; columns.len()].join(", ");
    let row = format!("({})", parameters(own));
    let mut text = format!(
        "INSERT INTO observation ({}, {}) SELECT {}, * FROM (VALUES ",
        once.join(", "),
        own.join(", "),
        parameters(once)
    );
    for index in 0..rows {
        text.push_str(if index == 0 { "" } else { ", " });
        text.push_str(&row);
    }
    text.push(')');
    text
}
