//! Writing many revisions with few statements: the one place where the two databases go apart, because it pays.
//!
//! PostgreSQL takes each column as one array, written as text: the server reads it faster than the driver would encode
//! single values, and the driver's own arrays know no null. `SQLite` takes rows as parameters, since it would not read
//! every double back from text as it was.

use std::fmt::{Display, Write as _};

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use domain::{
    id::SeriesId,
    observation::{Figure, NewObservation},
    revision::{Cause, RetractionReason},
};
use sea_orm::{ConnectionTrait, DbErr, Value};
use uuid::Uuid;

use crate::sql::Sql;

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
    const COLUMNS: [(&str, &str); 17] = [
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
    ];
    if rows.is_empty() {
        return Ok(());
    }
    let mut columns: [Column; 17] = Default::default();
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
    ] = &mut columns;
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
        embargo.put_text(
            at,
            figure.embargo_until.map(|until| until.to_rfc3339_opts(SecondsFormat::Micros, true)).as_deref(),
        );
        note.put_text(at, figure.note.as_deref());
        external.put_text(at, figure.external_id.as_deref());
        restatement.put_text(at, new.cause.restatement.as_ref().map(ToString::to_string).as_deref());
        retraction.put(at, new.cause.retraction.map(RetractionReason::code));
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
        "INSERT INTO observation ({names}, recorded_at, recorded_by, superseded_at) \
         SELECT {names}, {at}, {by}, CASE WHEN retraction IS NOT NULL THEN {at} END FROM unnest({arrays}) AS t({names})"
    );
    db.execute_raw(sql.statement(text)).await.map(drop)
}

/// What most batches say in every row alike.
const COMMON: [&str; 4] = ["period_kind", "status", "confidentiality", "revision"];
/// What every row says for itself.
const OWN: [&str; 4] = ["series_id", "period_start", "period_end", "value"];
/// The columns that many files leave empty altogether; a batch that does so does not name them.
const OPTIONAL: [&[&str]; 4] = [
    &["numerator", "denominator"],
    &["lower_limit", "upper_limit"],
    &["embargo_until", "note", "external_id"],
    &["restatement", "retraction", "superseded_at"],
];

fn push_common(sql: &mut Sql, Revision { new, revision }: &Revision<'_>) {
    sql.push(new.period.kind().code());
    sql.push(new.figure.status.code());
    sql.push(new.figure.confidentiality.code());
    sql.push(*revision);
}

/// What is alike in all rows of a batch is given once: parameters are what the driver and `SQLite` spend most on.
async fn insert_rows<C: ConnectionTrait>(
    db: &C,
    rows: &[Revision<'_>],
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), DbErr> {
    let Some(first) = rows.first() else { return Ok(()) };
    let common = |row: &Revision<'_>| {
        (row.new.period.kind(), row.new.figure.status, row.new.figure.confidentiality, row.revision)
    };
    let alike = rows.iter().all(|row| common(row) == common(first));
    let some = |has: fn(&Figure) -> bool| rows.iter().any(|row| has(&row.new.figure));
    let ratio = some(|figure| figure.numerator.is_some() || figure.denominator.is_some());
    let limits = some(|figure| figure.lower.is_some() || figure.upper.is_some());
    let texts = some(|figure| figure.embargo_until.is_some() || figure.note.is_some() || figure.external_id.is_some());
    let causes = rows.iter().any(|row| row.new.cause != Cause::default());
    let mut sql = Sql::new(db.get_database_backend());
    sql.reserve(6 + rows.len() * 18);
    sql.push(at);
    sql.push(by);
    if alike {
        push_common(&mut sql, first);
    }
    for row in rows {
        let (period, figure) = (row.new.period, &row.new.figure);
        if !alike {
            push_common(&mut sql, row);
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
        }
    }
    let present = OPTIONAL.iter().zip([ratio, limits, texts, causes]).filter(|(_, present)| *present);
    let own = OWN.iter().chain(present.flat_map(|(names, _)| *names));
    let text = text_of_rows(rows.len(), alike, &own.copied().collect::<Vec<_>>());
    db.execute_raw(sql.statement(text)).await.map(drop)
}

/// The statement that inserts so many rows with these columns of their own.
fn text_of_rows(rows: usize, alike: bool, own: &[&str]) -> String {
    let (once, width) = if alike { ("?, ?, ?, ?, ?, ?", own.len()) } else { ("?, ?", own.len() + COMMON.len()) };
    let (common, own) = (COMMON.join(", "), own.join(", "));
    let mut text =
        format!("INSERT INTO observation (recorded_at, recorded_by, {common}, {own}) SELECT {once}, * FROM (VALUES ");
    // Bare parameters: `SQLite` and its driver look numbered ones up in a list, one by one.
    let row = format!("(?{})", ", ?".repeat(width.saturating_sub(1)));
    for index in 0..rows {
        text.push_str(if index == 0 { "" } else { ", " });
        text.push_str(&row);
    }
    text.push(')');
    text
}
