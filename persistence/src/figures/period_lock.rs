//! Until when periods are locked; see [`domain::period_lock`].

use std::collections::HashMap;

use chrono::NaiveDate;
use domain::{Error, Result, id::SeriesId, series::Series};
use sea_orm::{ConnectionTrait, QueryResult};

use super::series::wanted;
use crate::{
    error::database,
    row::Row,
    sql::{Sql, current_membership},
};

/// The locks that hold on the day `today` for the figures of the community by the indicator, both expressions: what joins
/// `period_lock held` to a table, and the condition on its rows. Where there are no locks at all, nothing is looked up.
fn held(today: &str, community: &str, indicator: &str) -> String {
    format!(
        "JOIN period_lock held ON (held.community_id = {community} OR held.network_id IN (SELECT place.network_id \
         FROM membership place WHERE place.community_id = {community} AND {current})) \
         AND (held.indicator_id IS NULL OR held.indicator_id = {indicator}) \
         WHERE EXISTS (SELECT 1 FROM period_lock) AND held.lifted IS NULL AND held.archived_at IS NULL",
        current = current_membership("place", today)
    )
}

async fn rows<C: ConnectionTrait>(db: &C, sql: Sql, text: String) -> Result<Vec<QueryResult>> {
    db.query_all_raw(sql.statement(text)).await.map_err(database)
}

/// The last day of the periods of each series that are locked; those without a lock are absent.
pub(super) async fn of_series<C: ConnectionTrait>(
    db: &C,
    series: &[SeriesId],
    today: NaiveDate,
) -> Result<HashMap<SeriesId, NaiveDate>> {
    let mut sql = Sql::new(db.get_database_backend());
    let (ids, today) = (sql.ids(series.iter().copied(), "ids"), sql.bind(today));
    let text = format!(
        "SELECT s.id, max(held.until) FROM {ids} JOIN series s ON s.id = ids.id {} GROUP BY s.id",
        held(&today, "s.community_id", "s.indicator_id")
    );
    let rows = rows(db, sql, text).await?;
    rows.iter()
        .map(|row| {
            let mut row = Row::new(row)?;
            Ok((row.id()?, row.take()?))
        })
        .collect()
}

/// The same for series that need not be there.
pub(crate) async fn of_what<'a, C: ConnectionTrait>(
    db: &C,
    series: &[&'a Series],
    today: NaiveDate,
) -> Result<HashMap<&'a Series, NaiveDate>> {
    let mut sql = Sql::new(db.get_database_backend());
    let (wanted, today) = (wanted(&mut sql, series)?, sql.bind(today));
    let text = format!(
        "SELECT w.place, max(held.until) FROM {wanted} JOIN indicator_version v ON v.id = w.indicator_version_id {} \
         GROUP BY w.place",
        held(&today, "w.community_id", "v.indicator_id")
    );
    let rows = rows(db, sql, text).await?;
    rows.iter()
        .map(|row| {
            let mut row = Row::new(row)?;
            let place: i64 = row.take()?;
            let of = usize::try_from(place - 1).ok().and_then(|place| series.get(place));
            Ok((*of.ok_or_else(|| Error::internal("a lock was found on what was not looked for"))?, row.take()?))
        })
        .collect()
}
