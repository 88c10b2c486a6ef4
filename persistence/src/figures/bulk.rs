//! Writing many revisions with few statements: the one place where the two databases go apart, because it pays.
//!
//! PostgreSQL takes columns (see [`super::arrays`]), `SQLite` takes rows as parameters, since it would not read every double back from
//! text as it was.

use chrono::{DateTime, SubsecRound, Utc};
use domain::{
    Error, Result,
    id::SeriesId,
    observation::{Figure, NewObservation},
    revision::{Cause, RetractionReason},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use super::{arrays::Arrays, rollup};
use crate::{error::database, row::Row, sql::Sql};

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
    let arrays = Arrays::new(&mut sql, "w", (rows, grown), (at, by));
    let of = &arrays.columns;
    let insert = |from: &str| {
        let (names, values) = (of.names(), of.values());
        if !of.has("retraction") {
            return format!("INSERT INTO observation ({names}) SELECT {values} FROM {from}");
        }
        let (retraction, at) = (of.of("retraction"), of.of("recorded_at"));
        format!(
            "INSERT INTO observation ({names}, superseded_at) \
             SELECT {values}, CASE WHEN {retraction} IS NOT NULL THEN {at} END FROM {from}"
        )
    };
    if grown.is_empty() {
        let text = insert(&of.table());
        return db.execute_raw(sql.statement(text)).await.map_err(database).map(|_| 0);
    }
    let text = format!(
        "WITH w AS MATERIALIZED (SELECT * FROM {table}), written AS ({insert}), \
         raised AS (UPDATE latest_observation l SET {set} FROM w \
         WHERE {grown} AND l.series_id = w.series_id AND {older} < {newer} RETURNING 1) SELECT count(*) FROM raised",
        table = of.table(),
        insert = insert("w"),
        set = arrays.overwrite_figure(),
        grown = arrays.grown,
        older = rollup::place("l"),
        newer = arrays.place(),
    );
    let row = db.query_one_raw(sql.statement(text)).await.map_err(database)?;
    let row = row.ok_or_else(|| Error::internal("a count answered nothing"))?;
    usize::try_from(Row::new(&row)?.take::<i64>()?).map_err(Error::internal)
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
