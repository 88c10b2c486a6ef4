//! Writing many revisions with few statements: the two databases go apart here, because it pays.
//!
//! PostgreSQL takes columns (see [`super::arrays`]), `SQLite` takes rows (see [`super::parameters`]), since it would not read every
//! double back from text as it was.

use chrono::{DateTime, Utc};
use domain::{Error, Result, id::SeriesId, observation::NewObservation};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{arrays::Arrays, parameters, rollup, statistics};
use crate::{error::database, sql::Sql};

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

/// Revisions of figures to write, also into the rollup where that has nothing newer.
pub(super) struct Insertion<'r> {
    /// The revisions.
    rows: &'r [Revision<'r>],
    /// Those of them that grow their series.
    grown: Vec<Revision<'r>>,
    /// What is run for all of them, on PostgreSQL.
    statement: Option<Statement>,
    at: DateTime<Utc>,
    by: &'r str,
}

impl<'r> Insertion<'r> {
    /// Of these revisions, recorded at `at` by `by`.
    pub(super) fn new(backend: DbBackend, rows: &'r [Revision<'r>], (at, by): (DateTime<Utc>, &'r str)) -> Self {
        let grown = rollup::grown(rows);
        let statement = (backend == DbBackend::Postgres).then(|| of_arrays(rows, &grown, (at, by)));
        Self { rows, grown, statement, at, by }
    }

    /// Writes them. Answers with them how many of those that grow their series have taken the place of what the rollup had.
    pub(super) async fn run<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<(&'r [Revision<'r>], Vec<Revision<'r>>, usize)> {
        let Self { rows, grown, statement, at, by } = self;
        let raised = if let Some(statement) = statement {
            statistics::join_by_index(db, true).await?;
            let done = db.execute_raw(statement).await.map_err(database)?;
            statistics::join_by_index(db, false).await?;
            // Where nothing grows, it is the insertion that is counted.
            if grown.is_empty() { 0 } else { usize::try_from(done.rows_affected()).map_err(Error::internal)? }
        } else {
            in_batches(db, rows, |batch| parameters::insertion(batch, at, by)).await?;
            in_batches(db, &grown, |batch| parameters::raising(batch, at, by)).await?
        };
        Ok((rows, grown, raised))
    }
}

/// Runs a statement for as many rows at a time as go together; answers how many rows they have changed.
async fn in_batches<C: ConnectionTrait>(
    db: &C,
    mut rest: &[Revision<'_>],
    statement: impl Fn(&[Revision<'_>]) -> Option<Statement>,
) -> Result<usize> {
    let mut next = || {
        // Few sizes, so that few texts are ever prepared.
        let (batch, others) = [500, 50, 5, 1].iter().find_map(|&size| rest.split_at_checked(size))?;
        rest = others;
        statement(batch)
    };
    let (mut ready, mut changed) = (next(), 0);
    while let Some(statement) = ready {
        // The driver runs statements on a thread of its own: what it is to run next is put together meanwhile.
        let (done, following) = tokio::join!(biased; db.execute_raw(statement), async { next() });
        changed += done.map_err(database)?.rows_affected();
        ready = following;
    }
    usize::try_from(changed).map_err(Error::internal)
}

/// One statement that reads the rows once and writes them into both tables.
fn of_arrays(rows: &[Revision<'_>], grown: &[Revision<'_>], (at, by): (DateTime<Utc>, &str)) -> Statement {
    let mut sql = Sql::new(DbBackend::Postgres);
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
        return sql.statement(text);
    }
    let text = format!(
        "WITH w AS MATERIALIZED (SELECT * FROM {table}), written AS ({insert}) \
         UPDATE latest_observation l SET {set} FROM w WHERE {grown} AND l.series_id = w.series_id AND {older} <= {newer}",
        table = of.table(),
        insert = insert("w"),
        set = arrays.overwrite_figure(),
        grown = arrays.grown,
        older = rollup::place("l"),
        newer = arrays.place(),
    );
    sql.statement(text)
}
