//! The rollup of newest values: one row for each series, so that comparisons need not look for them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    Error, Result,
    id::SeriesId,
    observation::{NewObservation, ObservationStatus},
};
use sea_orm::ConnectionTrait;

use super::{arrays::Arrays, bulk::Revision, record::series_of};
use crate::{
    error::database,
    sql::{self, Sql},
};

/// Those of these revisions that are the newest of their series unless what the rollup has is newer: the newest of each series of which
/// no value was taken away. In the order of their series, since everybody touches the rollup in one order.
pub(super) fn grown<'a>(written: &[Revision<'a>]) -> Vec<Revision<'a>> {
    let taken = taken_away(written);
    let mut newest: HashMap<SeriesId, Revision<'a>> = HashMap::new();
    for row in written.iter().filter(|row| counts_as_newest(row.new)) {
        if taken.binary_search(&row.new.series).is_ok() {
            continue;
        }
        let kept = newest.entry(row.new.series).or_insert(*row);
        if kept.new.period < row.new.period {
            *kept = *row;
        }
    }
    let mut rows: Vec<_> = newest.into_values().collect();
    rows.sort_unstable_by_key(|row| row.new.series);
    rows
}

/// The series of which a value may have been taken away, in order: only a revision can do that.
fn taken_away(written: &[Revision<'_>]) -> Vec<SeriesId> {
    let takes = |row: &&Revision<'_>| row.revision > 1 && !counts_as_newest(row.new);
    series_of(written.iter().filter(takes).map(|row| row.new))
}

/// Brings the rollup up to date after these revisions were written, of which `grown` are those of [`grown`] and so many of them have
/// taken the place of what it had (see [`super::bulk::Insertion`]). Answers how many of `grown` are the newest of their series now.
pub(super) async fn keep<C: ConnectionTrait>(
    db: &C,
    written: &[Revision<'_>],
    (grown, raised): (&[Revision<'_>], usize),
    (at, by): (DateTime<Utc>, &str),
) -> Result<usize> {
    let taken = taken_away(written);
    if !taken.is_empty() {
        remove_vanished(db, &taken).await?;
        recompute(db, &taken).await?;
    }
    if raised < grown.len() { Ok(raised + raise(db, grown, (at, by)).await?) } else { Ok(raised) }
}

/// Whether a figure can be the newest of its series; in SQL it is [`sql::counts_as_newest`].
fn counts_as_newest(new: &NewObservation) -> bool {
    new.figure.value.is_some() && new.figure.status != ObservationStatus::Forecast
}

/// Takes series without any value left out of the rollup.
async fn remove_vanished<C: ConnectionTrait>(db: &C, series: &[SeriesId]) -> Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    let ids = sql.ids(series.iter().copied(), "ids");
    let text = format!(
        "DELETE FROM latest_observation WHERE series_id IN (SELECT ids.id FROM {ids}) AND NOT EXISTS \
         (SELECT 1 FROM observation o WHERE o.series_id = latest_observation.series_id AND {})",
        sql::counts_as_newest("o")
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}

/// Writes these figures into the rollup, where it has nothing of their series; answers how many. Each is of another series.
async fn raise<C: ConnectionTrait>(db: &C, grown: &[Revision<'_>], (at, by): (DateTime<Utc>, &str)) -> Result<usize> {
    let mut sql = Sql::new(db.get_database_backend());
    // Where there was an older value, or one of the same period, the insertion has put them in its place.
    let missing =
        |of: &str| format!("NOT EXISTS (SELECT 1 FROM latest_observation l WHERE l.series_id = {of}.series_id)");
    let (written, missing) = if sql.is_postgres() {
        let arrays = Arrays::new(&mut sql, "w", (grown, grown), (at, by));
        (format!("({}) AS o", arrays.columns.query()), missing("o"))
    } else {
        let keys = sql.periods(grown.iter().map(|row| (row.new.series, row.new.period)), "k");
        let observation = sql.beside(
            "observation",
            "o",
            "o.series_id = k.series_id AND o.period_end = k.period_end AND o.period_start = k.period_start \
             AND o.period_kind = k.period_kind AND o.superseded_at IS NULL",
        );
        (format!("{keys} {observation}"), missing("k"))
    };
    let from = format!("{written} {} WHERE {missing}", sql.beside("series", "s", "s.id = o.series_id"));
    put(db, sql, &from, &format!("{} <= {}", place("latest_observation"), place("excluded"))).await
}

/// Where the figure in table `table` stands among those of its series.
pub(super) fn place(table: &str) -> String {
    format!("({table}.period_end, {table}.period_start, {table}.period_kind)")
}

/// Writes the newest value of each of these series into the rollup, where it is another than before.
async fn recompute<C: ConnectionTrait>(db: &C, series: &[SeriesId]) -> Result<usize> {
    let mut sql = Sql::new(db.get_database_backend());
    let ids = sql.ids(series.iter().copied(), "ids");
    let (counts, order) = (sql::counts_as_newest("p"), sql::newest_first("p"));
    let newest = if sql.is_postgres() {
        format!(
            "CROSS JOIN LATERAL (SELECT * FROM observation p WHERE p.series_id = ids.id AND {counts} ORDER BY {order} LIMIT 1) AS o"
        )
    } else {
        format!(
            "CROSS JOIN observation o ON o.series_id = ids.id AND (o.period_end, o.period_start, o.period_kind, o.revision) = \
             (SELECT p.period_end, p.period_start, p.period_kind, p.revision FROM observation p \
             WHERE p.series_id = ids.id AND {counts} ORDER BY {order} LIMIT 1)"
        )
    };
    let which =
        |table: &str| format!("({table}.period_end, {table}.period_start, {table}.period_kind, {table}.revision)");
    let from = format!("{ids} {} {newest} WHERE TRUE", sql.beside("series", "s", "s.id = ids.id"));
    put(db, sql, &from, &format!("{} <> {}", which("latest_observation"), which("excluded"))).await
}

/// Puts figures `o` of series `s` into the rollup, from tables and a condition on them; those that it has give way if `condition` holds.
/// Answers how many it has put there.
async fn put<C: ConnectionTrait>(db: &C, sql: Sql, from: &str, condition: &str) -> Result<usize> {
    let text = format!(
        "INSERT INTO latest_observation ({of_what}, breakdown_id, {figure}) \
         SELECT {from_series}, s.breakdown_id, {from_figure} FROM {from} \
         ON CONFLICT (series_id) DO UPDATE SET {set} WHERE {condition}",
        of_what = sql::series_names(),
        figure = sql::figure_names(),
        from_series = sql::series("s"),
        from_figure = sql::figure("o"),
        set = sql::overwrite_figure("excluded"),
    );
    let put = db.execute_raw(sql.statement(text)).await.map_err(database)?;
    usize::try_from(put.rows_affected()).map_err(Error::internal)
}
