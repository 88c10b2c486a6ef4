//! Which current figures few stand behind, so that readers who may not see them do not (see [`domain::small_cells`]).
//!
//! Rows of `small_cell` are figures of which few are counted, or were before a revision: `smallest` is the count of the
//! current figure, none if that is not small, and `least` the smallest that any revision told of. What is withheld for a
//! row is the whole breakdown: every series of the same community, definition, source and dimensions in that period, since
//! the total less the other parts is the small part. Most batches and most installations have few such rows.

use domain::{id::SeriesId, observation::ObservationStatus, period::Period, series::Series};
use sea_orm::ConnectionTrait;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::bulk::Revision;
use crate::{error::database, sql::Sql};

/// What the series that add up to one total have in common: derived from the community, the definition, the source and the
/// names of the dimensions, and the same whenever it is derived (a UUID of version 8).
pub(crate) fn breakdown_id(series: &Series) -> Uuid {
    let mut hash = Sha256::new();
    for id in [series.community.into(), series.indicator_version.into(), series.source.into()] {
        hash.update(Uuid::as_bytes(&id));
    }
    for (dimension, _) in series.disaggregation.iter() {
        // No dimension has control characters in its name, so that nothing runs together.
        hash.update(dimension);
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// Notes which of these revisions are small, and which are no longer. They are the newest of their periods.
pub(super) async fn keep<C: ConnectionTrait>(db: &C, written: &[Revision<'_>]) -> domain::Result<()> {
    let mut small = Vec::new();
    let mut no_longer = Vec::new();
    for Revision { new, revision } in written {
        match new.smallest_count {
            Some(count) => small.push(((new.series, new.period), count)),
            // A small figure that is suppressed in its own place can still be worked out from the others, and one that is
            // withdrawn was told before.
            None if *revision > 1
                && new.figure.status != ObservationStatus::Suppressed
                && new.cause.retraction.is_none() =>
            {
                no_longer.push((new.series, new.period));
            }
            None => {}
        }
    }
    if !small.is_empty() {
        put(db, small).await?;
    }
    if !no_longer.is_empty() {
        clear(db, no_longer).await?;
    }
    Ok(())
}

/// The place of row `k` of a table of periods in `small_cell`, as a condition. Series `s` is its series.
const SAME: &str = "small_cell.breakdown_id = s.breakdown_id AND small_cell.period_end = k.period_end \
    AND small_cell.period_start = k.period_start AND small_cell.period_kind = k.period_kind AND small_cell.series_id = k.series_id";

async fn put<C: ConnectionTrait>(db: &C, small: Vec<((SeriesId, Period), i32)>) -> domain::Result<()> {
    let (keys, counts): (Vec<_>, Vec<_>) = small.into_iter().unzip();
    let mut sql = Sql::new(db.get_database_backend());
    let keys = sql.counted_periods(&keys, &counts, "k");
    let series = sql.beside("series", "s", "s.id = k.series_id");
    let text = format!(
        "INSERT INTO small_cell (breakdown_id, period_end, period_start, period_kind, series_id, community_id, source_id, \
         smallest, least) \
         SELECT s.breakdown_id, k.period_end, k.period_start, k.period_kind, k.series_id, s.community_id, s.source_id, \
         k.counted, k.counted FROM {keys} {series} WHERE TRUE \
         ON CONFLICT (breakdown_id, period_end, period_start, period_kind, series_id) DO UPDATE SET \
         smallest = excluded.smallest, \
         least = CASE WHEN excluded.least < small_cell.least THEN excluded.least ELSE small_cell.least END"
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}

async fn clear<C: ConnectionTrait>(db: &C, no_longer: Vec<(SeriesId, Period)>) -> domain::Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    let keys = sql.periods(no_longer, "k");
    // Where there are none at all, nothing is looked up.
    let text = format!(
        "UPDATE small_cell SET smallest = NULL FROM {keys} JOIN series s ON s.id = k.series_id \
         WHERE EXISTS (SELECT 1 FROM small_cell) AND {SAME} AND small_cell.smallest IS NOT NULL"
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}
