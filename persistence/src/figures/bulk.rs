//! Writing many revisions with few statements: the one place where the two databases go apart, because it pays.
//!
//! PostgreSQL takes each column as one array, written as text: the server reads it faster than the driver would encode
//! single values, and the driver's own arrays know no null. `SQLite` takes rows as parameters, since it would not read
//! every double back from text as it was.

use std::fmt::{Display, Write as _};

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use domain::{id::SeriesId, observation::NewObservation};
use sea_orm::{ConnectionTrait, DbErr, Value};
use uuid::Uuid;

use super::sql::Sql;

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

/// Writes revisions of figures, recorded at `at` by `by`.
pub(super) async fn insert<C: ConnectionTrait>(
    db: &C,
    rows: &[Revision<'_>],
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), DbErr> {
    if Sql::new(db.get_database_backend()).is_postgres() {
        return insert_arrays(db, rows, at, by).await;
    }
    let mut rest = rows;
    // Few sizes, so that few texts are ever prepared.
    for size in [500, 50, 5, 1] {
        while let Some((batch, others)) = rest.split_at_checked(size) {
            insert_rows(db, batch, at, by).await?;
            rest = others;
        }
    }
    Ok(())
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
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), DbErr> {
    const COLUMNS: [(&str, &str); 15] = [
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
    ];
    if rows.is_empty() {
        return Ok(());
    }
    let mut columns: [Column; 15] = Default::default();
    let [series, kind, start, end, revision, value, numerator, denominator, lower, upper, status, confidentiality, embargo, note, external] =
        &mut columns;
    for (at, Revision { new, revision: number }) in rows.iter().enumerate() {
        let (period, figure) = (new.period, &new.figure);
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
        embargo.put_text(at, figure.embargo_until.map(|until| until.to_rfc3339_opts(SecondsFormat::Micros, true)).as_deref());
        note.put_text(at, figure.note.as_deref());
        external.put_text(at, figure.external_id.as_deref());
    }
    let mut sql = Sql::new(db.get_database_backend());
    let (mut arrays, mut names) = (String::new(), String::new());
    for (column, (name, kind)) in columns.into_iter().zip(COLUMNS) {
        let comma = if names.is_empty() { "" } else { ", " };
        let array = sql.bind(column.value());
        let _ = write!(arrays, "{comma}{array}::text::{kind}[]");
        let _ = write!(names, "{comma}{name}");
    }
    let (at, by) = (sql.bind(at), sql.bind(by));
    let text = format!(
        "INSERT INTO observation ({names}, recorded_at, recorded_by) \
         SELECT {names}, {at}, {by} FROM unnest({arrays}) AS t({names})"
    );
    db.execute_raw(sql.statement(text)).await.map(drop)
}

/// The columns that many files leave empty altogether; a batch that does so does not name them.
const OPTIONAL: [&[&str]; 3] =
    [&["numerator", "denominator"], &["lower_limit", "upper_limit"], &["embargo_until", "note", "external_id"]];

async fn insert_rows<C: ConnectionTrait>(
    db: &C,
    rows: &[Revision<'_>],
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), DbErr> {
    let some = |has: fn(&NewObservation) -> bool| rows.iter().any(|row| has(row.new));
    let present = [
        some(|new| new.figure.numerator.is_some() || new.figure.denominator.is_some()),
        some(|new| new.figure.lower.is_some() || new.figure.upper.is_some()),
        some(|new| new.figure.embargo_until.is_some() || new.figure.note.is_some() || new.figure.external_id.is_some()),
    ];
    let mut sql = Sql::new(db.get_database_backend());
    sql.reserve(2 + rows.len() * 15);
    sql.push(at);
    sql.push(by);
    for Revision { new, revision } in rows {
        let (period, figure) = (new.period, &new.figure);
        sql.push(Uuid::from(new.series));
        sql.push(period.kind().code());
        sql.push(period.start());
        sql.push(period.end());
        sql.push(*revision);
        sql.push(figure.value);
        sql.push(figure.status.code());
        sql.push(figure.confidentiality.code());
        if present[0] {
            sql.push(figure.numerator);
            sql.push(figure.denominator);
        }
        if present[1] {
            sql.push(figure.lower);
            sql.push(figure.upper);
        }
        if present[2] {
            sql.push(figure.embargo_until.map(|until| until.trunc_subsecs(6)));
            sql.push(figure.note.clone());
            sql.push(figure.external_id.clone());
        }
    }
    let mut text = String::from(
        "INSERT INTO observation (recorded_at, recorded_by, series_id, period_kind, period_start, period_end, \
         revision, value, status, confidentiality",
    );
    let mut width = 8;
    for name in OPTIONAL.iter().zip(present).filter(|(_, present)| *present).flat_map(|(names, _)| *names) {
        let _ = write!(text, ", {name}");
        width += 1;
    }
    // Bare parameters: `SQLite` and its driver look numbered ones up in a list, one by one.
    text.push_str(") SELECT ?, ?, * FROM (VALUES ");
    let row = format!("(?{})", ", ?".repeat(width - 1));
    for index in 0..rows.len() {
        text.push_str(if index == 0 { "" } else { ", " });
        text.push_str(&row);
    }
    text.push(')');
    db.execute_raw(sql.statement(text)).await.map(drop)
}
