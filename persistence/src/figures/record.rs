//! Recording figures in bulk.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
use domain::{
    Error, Result,
    access::Scope,
    id::SeriesId,
    observation::{Confidentiality, NewObservation, Observation, ObservationStatus, Outcome},
    period::Period,
    port::figures::Recorder,
};
use sea_orm::{ConnectionTrait, DbBackend};

use super::{
    bulk::{Insertion, Revision},
    change_feed,
    decide::{Decider, Decision, may_reach_into_others, says_the_same},
    period_lock,
    read::revisions,
    rollup, small_cells, statistics,
};
use crate::{
    error::database,
    row::Row,
    sql::{self, Sql},
};

/// How many figures are read and decided together: a push, or what an import records at a time.
const DECIDED: usize = 10_000;
/// How many are written together.
const WRITTEN: usize = 5_000;
/// So many periods of each series on average are read as one span of time.
const DENSE: usize = 4;

/// Records figures; see [`domain::port::figures::Figures::record`].
///
/// A statement takes the series, another finds their locks. However many figures there are, one more reads the current
/// ones and one marks those that are superseded; then, for every few thousand, statements write the new revisions and bring the newest
/// values up to date (`SQLite`: one of each for every 500), and put them into the feed of changes.
pub(super) async fn record<C: ConnectionTrait>(
    db: &C,
    figures: &[NewObservation],
    at: DateTime<Utc>,
    by: Recorder<'_>,
) -> Result<Vec<Outcome>> {
    let mut at = at.trunc_subsecs(6);
    let series = series_of(figures);
    hold(db, &series).await?;
    let locks = period_lock::of_series(db, &series, at.date_naive()).await?;
    let mut outcomes = Vec::with_capacity(figures.len());
    for together in figures.chunks(DECIDED) {
        let current = current(db, together).await?;
        at = after(&current, at);
        decide(db, together, current, &locks, (at, by), &mut outcomes).await?;
    }
    Ok(outcomes)
}

/// The moment itself, or the first after these revisions: whoever held the series before may have begun later, and two figures
/// would have been known at the moments in between.
fn after(current: &[Observation], at: DateTime<Utc>) -> DateTime<Utc> {
    let later = current.iter().map(|kept| kept.recorded_at).filter(|kept| *kept > at).max();
    later.map_or(at, |kept| kept + TimeDelta::microseconds(1))
}

/// See [`domain::port::figures::Figures::held`].
pub(super) async fn held<C: ConnectionTrait>(db: &C, keys: &[(SeriesId, Period)]) -> Result<Vec<Observation>> {
    let series: BTreeSet<_> = keys.iter().map(|(series, _)| *series).collect();
    hold(db, &series.into_iter().collect::<Vec<_>>()).await?;
    let mut sql = Sql::new(db.get_database_backend());
    let wanted = sql.periods(keys.iter().copied(), "k");
    let condition = format!("{} AND {}", same_period("o"), sql::is_last("o"));
    let observation = sql.beside("observation", "o", &condition);
    let text = format!("SELECT {} FROM {wanted} {observation}", sql::revision("o"));
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.iter().map(|row| Row::new(row)?.revision()).collect()
}

/// The different series of these figures, in order.
pub(super) fn series_of<'a>(figures: impl IntoIterator<Item = &'a NewObservation>) -> Vec<SeriesId> {
    let mut series: Vec<_> = figures.into_iter().map(|new| new.series).collect();
    series.sort_unstable();
    series.dedup();
    series
}

/// Takes the series for this transaction, so that nobody else records into them until it ends: what is read here stays
/// true until it is written. Every call takes its series in one order, so two calls never wait for each other. Transactions
/// of several calls still can: PostgreSQL then ends one of them, which is [`Error::Busy`] and has kept nothing. `SQLite` has
/// one writer at a time anyway.
async fn hold<C: ConnectionTrait>(db: &C, series: &[SeriesId]) -> Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    if !sql.is_postgres() {
        return Ok(());
    }
    let ids = sql.ids(series.iter().copied(), "ids");
    let text = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {ids} JOIN series s ON s.id = ids.id ORDER BY s.id FOR NO KEY UPDATE OF s) AS held"
    );
    statistics::join_by_index(db, true).await?;
    are_there(db, sql, text, series).await?;
    statistics::join_by_index(db, false).await
}

/// Refuses to go on where one of these different series is not there.
async fn exist<C: ConnectionTrait>(db: &C, series: &[SeriesId]) -> Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    let ids = sql.ids(series.iter().copied(), "ids");
    let text = format!("SELECT count((SELECT series.id FROM series WHERE series.id = ids.id)) FROM {ids}");
    are_there(db, sql, text, series).await
}

async fn are_there<C: ConnectionTrait>(db: &C, sql: Sql, text: String, series: &[SeriesId]) -> Result<()> {
    let row = db.query_one_raw(sql.statement(text)).await.map_err(database)?;
    let row = row.ok_or_else(|| Error::internal("a count answered nothing"))?;
    let count: i64 = Row::new(&row)?.take()?;
    if usize::try_from(count) == Ok(series.len()) {
        return Ok(());
    }
    Err(Error::internal("figures of a series that does not exist"))
}

/// Decides about figures beside the current ones, and writes what comes of it.
async fn decide<C: ConnectionTrait>(
    db: &C,
    figures: &[NewObservation],
    current: Vec<Observation>,
    locks: &HashMap<SeriesId, NaiveDate>,
    (at, by): (DateTime<Utc>, Recorder<'_>),
    outcomes: &mut Vec<Outcome>,
) -> Result<()> {
    let figures = &*inherited(&current, figures);
    let unknown = unknown(db, by, at, &current, figures).await?;
    let mut decider = Decider::new(at, locks, current, unknown, figures.len());
    let (mut written, mut superseded) = (Vec::with_capacity(figures.len()), Vec::new());
    for new in figures {
        outcomes.push(match decider.decide(new) {
            Decision::Create => {
                written.push(Revision { new, revision: 1 });
                Outcome::Created
            }
            Decision::Supersede(revision) => {
                written.push(Revision { new, revision: revision.saturating_add(1) });
                superseded.push((new.series, new.period));
                Outcome::Updated
            }
            Decision::Leave(outcome) => outcome,
        });
    }
    if !superseded.is_empty() {
        supersede(db, superseded, at).await?;
    }
    written.sort_unstable_by_key(Revision::place);
    let backend = db.get_database_backend();
    let mut rest = written.chunks(WRITTEN).map(|rows| Insertion::new(backend, rows, (at, by.name)));
    let mut ready = rest.next();
    while let Some(insertion) = ready {
        // The statement for those that follow is put together while the database works.
        let (done, next) = tokio::join!(biased; write(db, insertion, (at, by)), async { rest.next() });
        done?;
        ready = next;
    }
    Ok(())
}

/// Writes revisions, and whatever follows from them.
async fn write<C: ConnectionTrait>(
    db: &C,
    insertion: Insertion<'_>,
    (at, by): (DateTime<Utc>, Recorder<'_>),
) -> Result<()> {
    let (rows, grown, raised) = insertion.run(db).await?;
    statistics::refresh(db, rows.len()).await?;
    change_feed::keep(db, rows, at).await?;
    small_cells::keep(db, rows).await?;
    let raised = rollup::keep(db, rows, (&grown, raised), (at, by.name)).await?;
    if db.get_database_backend() == DbBackend::Postgres {
        return Ok(());
    }
    // Nothing was taken that would not be there. What has a newest value is, and mostly that is all.
    let new = series_of(rows.iter().filter(|row| row.revision == 1).map(|row| row.new));
    let grown_new = grown.iter().filter(|row| row.revision == 1).count();
    let all_are_there = raised == grown.len() && grown_new == new.len();
    if new.is_empty() || all_are_there { Ok(()) } else { exist(db, &new).await }
}

/// Those of the last revisions that these figures meet, by saying the same or by reaching into their periods, that their recorder does
/// not know of.
pub(crate) async fn unknown<C: ConnectionTrait>(
    db: &C,
    by: Recorder<'_>,
    at: DateTime<Utc>,
    current: &[Observation],
    chunk: &[NewObservation],
) -> Result<HashSet<(SeriesId, Period)>> {
    if matches!(by.reader, Scope::Everything) || current.is_empty() {
        return Ok(HashSet::new());
    }
    let last: HashMap<_, _> = current.iter().map(|last| ((last.series, last.period), last)).collect();
    let said_again = chunk.iter().filter_map(|new| {
        let last = last.get(&(new.series, new.period))?;
        (last.is_current() && says_the_same(&last.figure, &new.figure)).then_some(*last)
    });
    let may_be_overlapped = current.iter().filter(|last| may_reach_into_others(last.period.kind()));
    let met = said_again.chain(may_be_overlapped);
    not_known(db, by, at, met).await
}

/// Those of these last revisions that this recorder neither recorded, nor sent in, nor reads.
pub(crate) async fn not_known<'a, C: ConnectionTrait>(
    db: &C,
    by: Recorder<'_>,
    at: DateTime<Utc>,
    last: impl Iterator<Item = &'a Observation>,
) -> Result<HashSet<(SeriesId, Period)>> {
    if matches!(by.reader, Scope::Everything) {
        return Ok(HashSet::new());
    }
    let others = last.filter(|last| !last.is_from(by.name));
    let mut unknown: HashMap<_, _> = others.map(|last| ((last.series, last.period), last.revision)).collect();
    if !unknown.is_empty() {
        let keys: Vec<_> = unknown.keys().copied().collect();
        for read in revisions(db, by.reader, &keys, at).await? {
            let key = (read.series, read.period);
            if unknown.get(&key) == Some(&read.revision) {
                unknown.remove(&key);
            }
        }
    }
    Ok(unknown.into_keys().collect())
}

/// The figures with what they inherit from the current ones. Few figures are anything but free, so mostly nothing is copied.
pub(crate) fn inherited<'a>(current: &[Observation], chunk: &'a [NewObservation]) -> Cow<'a, [NewObservation]> {
    let says_more = |of: &&Observation| {
        of.figure.confidentiality != Confidentiality::Free
            || of.figure.external_id.is_some()
            || of.figure.status == ObservationStatus::Suppressed
    };
    let before: HashMap<_, _> =
        current.iter().filter(says_more).map(|of| ((of.series, of.period), &of.figure)).collect();
    if before.is_empty() {
        return Cow::Borrowed(chunk);
    }
    let mut chunk = chunk.to_vec();
    for new in chunk.iter_mut().filter(|new| new.inherits) {
        if let Some(before) = before.get(&(new.series, new.period)) {
            new.figure.inherit(before);
            // What was suppressed stays so when it is withdrawn: its history would be read again.
            if new.cause.retraction.is_some() && before.status == ObservationStatus::Suppressed {
                new.figure.status = ObservationStatus::Suppressed;
            }
        }
    }
    Cow::Owned(chunk)
}

/// The current figures and standing retractions that these could meet: those of their series that reach into their span of time, or
/// that are of the same periods where no period can reach into another.
pub(crate) async fn current<C: ConnectionTrait>(db: &C, figures: &[NewObservation]) -> Result<Vec<Observation>> {
    let (start, end) = (figures.iter().map(|new| new.period.start()), figures.iter().map(|new| new.period.end()));
    let (Some(earliest), Some(first), Some(latest)) = (start.min(), end.clone().min(), end.max()) else {
        return Ok(Vec::new());
    };
    let series = series_of(figures);
    let mut sql = Sql::new(db.get_database_backend());
    let (among, same) = if figures.iter().any(|new| may_reach_into_others(new.period.kind())) {
        let ids = sql.ids(series, "k");
        let (start, end) = (sql.bind(earliest), sql.bind(latest));
        (ids, format!("o.series_id = k.id AND o.period_end > {start} AND o.period_start < {end}"))
    } else if first == latest || series.len() <= figures.len() / DENSE {
        let ids = sql.ids(series, "k");
        // PostgreSQL need not look into spans of time in which none of them ends.
        let (first, last) = (sql.bind(first), sql.bind(latest));
        (ids, format!("o.series_id = k.id AND o.period_end >= {first} AND o.period_end <= {last}"))
    } else {
        // Of many series few periods each, and not the same: what lies between could be all that there is.
        let keys = sql.periods(figures.iter().map(|new| (new.series, new.period)).collect::<BTreeSet<_>>(), "k");
        (keys, same_period("o"))
    };
    let condition = format!("{same} AND {}", sql::is_last("o"));
    let columns = sql::revision("o");
    let text = format!("SELECT {columns} FROM {among} {}", sql.beside("observation", "o", &condition));
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.iter().map(|row| Row::new(row)?.revision()).collect()
}

/// The condition that a row of observations is of the series and period of row `k`.
fn same_period(table: &str) -> String {
    format!(
        "{table}.series_id = k.series_id AND {table}.period_end = k.period_end AND {table}.period_start = k.period_start \
         AND {table}.period_kind = k.period_kind"
    )
}

/// Marks the last revisions of these periods as superseded.
async fn supersede<C: ConnectionTrait>(
    db: &C,
    keys: impl IntoIterator<Item = (SeriesId, Period)>,
    at: DateTime<Utc>,
) -> Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    let keys = sql.periods(keys, "k");
    let at = sql.bind(at);
    let text = format!(
        "UPDATE observation SET superseded_at = {at} FROM {keys} WHERE {} AND {}",
        same_period("observation"),
        sql::is_last("observation")
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}
