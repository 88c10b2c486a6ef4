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

fn those_of_series(sql: &mut Sql, series: &[SeriesId], today: NaiveDate) -> String {
    let (ids, today) = (sql.ids(series.iter().copied(), "ids"), sql.bind(today));
    // The other way round SQLite goes through all series there are, for every batch of an import.
    let series = sql.beside("series", "s", "s.id = ids.id");
    let held = held(&today, "s.community_id", "s.indicator_id");
    format!("SELECT s.id, max(held.until) FROM {ids} {series} {held} GROUP BY s.id")
}

/// The last day of the periods of each series that are locked; those without a lock are absent.
pub(super) async fn of_series<C: ConnectionTrait>(
    db: &C,
    series: &[SeriesId],
    today: NaiveDate,
) -> Result<HashMap<SeriesId, NaiveDate>> {
    let mut sql = Sql::new(db.get_database_backend());
    let text = those_of_series(&mut sql, series, today);
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
    let version = sql.beside("indicator_version", "v", "v.id = w.indicator_version_id");
    let held = held(&today, "w.community_id", "v.indicator_id");
    let text = format!("SELECT w.place, max(held.until) FROM {wanted} {version} {held} GROUP BY w.place");
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use sea_orm::ConnectionTrait as _;

    use super::*;
    use crate::{
        connect::{Connections, connect},
        tests::Scratch,
    };

    /// An import asks for every batch, and would take the longer the more series there are.
    #[tokio::test]
    async fn no_table_is_gone_through_for_the_locks_of_some_series() {
        let scratch = Scratch::sqlite().await;
        let Connections { read, .. } = connect(&scratch.config).await.unwrap();
        let mut sql = Sql::new(read.get_database_backend());
        let ids = [SeriesId::from(uuid::Uuid::now_v7()), SeriesId::from(uuid::Uuid::now_v7())];
        let text = those_of_series(&mut sql, &ids, NaiveDate::MIN);
        let plan = read.query_all_raw(sql.statement(format!("EXPLAIN QUERY PLAN {text}"))).await.unwrap();
        let steps: Vec<String> = plan.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
        assert!(steps.iter().any(|step| step.starts_with("SEARCH s USING")), "{steps:#?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN s")), "{steps:#?}");
    }
}
