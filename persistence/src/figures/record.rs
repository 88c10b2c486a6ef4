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
use sea_orm::ConnectionTrait;

use super::{
    bulk::{self, Revision},
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

/// How many figures are read, decided and written together.
const CHUNK: usize = 5_000;

/// Records figures; see [`domain::port::figures::Figures::record`].
///
/// Two statements find the series and their locks. Statements for every chunk, however many rows it has: read the current figures,
/// write the new revisions (`SQLite`: one for every 500), mark those that they supersede, put them into the feed of changes, bring the
/// newest values up to date.
pub(super) async fn record<C: ConnectionTrait>(
    db: &C,
    figures: &[NewObservation],
    at: DateTime<Utc>,
    by: Recorder<'_>,
) -> Result<Vec<Outcome>> {
    let mut at = at.trunc_subsecs(6);
    let series = series_of(figures);
    statistics::join_by_index(db, true).await?;
    hold(db, &series).await?;
    let locks = period_lock::of_series(db, &series, at.date_naive()).await?;
    let mut outcomes = Vec::with_capacity(figures.len());
    for chunk in figures.chunks(CHUNK) {
        let current = current(db, chunk).await?;
        at = after(&current, at);
        record_chunk(db, chunk, current, &locks, (at, by), &mut outcomes).await?;
    }
    statistics::join_by_index(db, false).await?;
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
    let same = "o.series_id = k.series_id AND o.period_end = k.period_end AND o.period_start = k.period_start \
        AND o.period_kind = k.period_kind";
    let condition = format!("{same} AND {}", sql::is_last("o"));
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
pub(super) async fn hold<C: ConnectionTrait>(db: &C, series: &[SeriesId]) -> Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    let ids = sql.ids(series.iter().copied(), "ids");
    // In the order of the identifiers, since rows are joined one by one.
    let text = if sql.is_postgres() {
        format!(
            "SELECT count(*) FROM (SELECT 1 FROM {ids} JOIN series ON series.id = ids.id FOR NO KEY UPDATE OF series) AS held"
        )
    } else {
        format!("SELECT count((SELECT series.id FROM series WHERE series.id = ids.id)) FROM {ids}")
    };
    let row = db.query_one_raw(sql.statement(text)).await.map_err(database)?;
    let row = row.ok_or_else(|| Error::internal("a count answered nothing"))?;
    let count: i64 = Row::new(&row)?.take()?;
    if usize::try_from(count) == Ok(series.len()) {
        return Ok(());
    }
    Err(Error::internal("figures of a series that does not exist"))
}

async fn record_chunk<C: ConnectionTrait>(
    db: &C,
    chunk: &[NewObservation],
    current: Vec<Observation>,
    locks: &HashMap<SeriesId, NaiveDate>,
    (at, by): (DateTime<Utc>, Recorder<'_>),
    outcomes: &mut Vec<Outcome>,
) -> Result<()> {
    let chunk = &*inherited(&current, chunk);
    let unknown = unknown(db, by, at, &current, chunk).await?;
    let mut decider = Decider::new(at, locks, current, unknown, chunk.len());
    let (mut written, mut superseded) = (Vec::with_capacity(chunk.len()), Vec::new());
    for new in chunk {
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
    let grown = rollup::grown(&written);
    let raised = bulk::insert(db, &written, &grown, (at, by.name)).await?;
    statistics::refresh(db, written.len()).await?;
    change_feed::keep(db, &written, at).await?;
    small_cells::keep(db, &written).await?;
    rollup::keep(db, &written, (&grown, raised), (at, by.name)).await
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
/// end in it where no period can reach into another.
pub(crate) async fn current<C: ConnectionTrait>(db: &C, chunk: &[NewObservation]) -> Result<Vec<Observation>> {
    let (start, end) = (chunk.iter().map(|new| new.period.start()), chunk.iter().map(|new| new.period.end()));
    let (Some(earliest), Some(latest)) = (start.clone().min(), end.clone().max()) else { return Ok(Vec::new()) };
    let mut sql = Sql::new(db.get_database_backend());
    let ids = sql.ids(series_of(chunk), "ids");
    let within = if chunk.iter().any(|new| may_reach_into_others(new.period.kind())) {
        let (start, end) = (sql.bind(earliest), sql.bind(latest));
        format!("o.period_end > {start} AND o.period_start < {end}")
    } else {
        // Only the same periods are met: PostgreSQL need not look into spans of time in which none of them ends.
        let (first, last) = (sql.bind(end.min()), sql.bind(latest));
        format!("o.period_end >= {first} AND o.period_end <= {last}")
    };
    let condition = format!("o.series_id = ids.id AND {within} AND {}", sql::is_last("o"));
    let columns = sql::revision("o");
    let text = format!("SELECT {columns} FROM {ids} {}", sql.beside("observation", "o", &condition));
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.iter().map(|row| Row::new(row)?.revision()).collect()
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
        "UPDATE observation SET superseded_at = {at} FROM {keys} WHERE observation.series_id = k.series_id \
         AND observation.period_end = k.period_end AND observation.period_start = k.period_start \
         AND observation.period_kind = k.period_kind AND {}",
        sql::is_last("observation")
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}
