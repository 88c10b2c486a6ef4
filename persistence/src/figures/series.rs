//! Finding series, and creating those that are missing.

use std::{collections::HashMap, fmt::Write as _};

use chrono::{DateTime, Utc};
use domain::{Error, Result, id::SeriesId, series::Series};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{small_cells::breakdown_id, statistics};
use crate::{error::database, row::Row, sql::Sql};

/// The ids of these series, in their order; see [`domain::port::figures::Figures::ensure_series`].
pub(super) async fn ensure<C: ConnectionTrait>(
    db: &C,
    series: &[Series],
    at: DateTime<Utc>,
    by: &str,
) -> Result<Vec<SeriesId>> {
    let mut different: Vec<&Series> = series.iter().collect();
    // Whoever creates the same ones at the same time waits for the same first of them: no deadlock.
    different.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    different.dedup();
    let mut found = find(db, &different).await?;
    let missing: Vec<_> = different.iter().copied().filter(|series| !found.contains_key(series)).collect();
    if !missing.is_empty() {
        create(db, &missing, at, by).await?;
        statistics::refresh(db, missing.len()).await?;
        found.extend(find(db, &missing).await?);
    }
    let id =
        |series| found.get(series).copied().ok_or_else(|| Error::internal("a series was created and is not there"));
    series.iter().map(id).collect()
}

/// The ids of these series, in their order; see [`domain::port::figures::Figures::find_series`].
pub(super) async fn find_all<C: ConnectionTrait>(db: &C, series: &[Series]) -> Result<Vec<Option<SeriesId>>> {
    // In the order of the index that they are looked up in: neighbours find its pages at hand.
    let mut places: Vec<usize> = (0..series.len()).collect();
    places.sort_unstable_by(|&a, &b| series.get(a).map(key).cmp(&series.get(b).map(key)));
    let mut different: Vec<&Series> = Vec::with_capacity(series.len());
    let mut found_at = vec![0; series.len()];
    for place in places {
        let (Some(one), Some(found_at)) = (series.get(place), found_at.get_mut(place)) else { continue };
        if different.last() != Some(&one) {
            different.push(one);
        }
        *found_at = different.len() - 1;
    }
    let ids = ids_of(db, &different).await?;
    Ok(found_at.into_iter().map(|place| ids.get(place).copied().flatten()).collect())
}

/// See [`domain::port::figures::Figures::drop_unused`].
pub(super) async fn drop_unused<C: ConnectionTrait>(
    db: &C,
    series: &[SeriesId],
    at: DateTime<Utc>,
    by: &str,
) -> Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    let ids = sql.ids(series.iter().copied(), "ids");
    let (at, by) = (sql.bind(at), sql.bind(by));
    let text = format!(
        "DELETE FROM series WHERE id IN (SELECT ids.id FROM {ids}) AND created_at = {at} AND created_by = {by} \
         AND NOT EXISTS (SELECT 1 FROM observation o WHERE o.series_id = series.id)"
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}

type Key<'a> = (Uuid, Uuid, Uuid, &'a domain::series::Disaggregation);

fn key(series: &Series) -> Key<'_> {
    (series.community.into(), series.indicator_version.into(), series.source.into(), &series.disaggregation)
}

/// A table `w(community_id, indicator_version_id, source_id, disaggregation, place)` of these series, counted from 1.
pub(crate) fn wanted(sql: &mut Sql, series: &[&Series]) -> Result<String> {
    Ok(if sql.is_postgres() {
        let communities = sql.bind(uuids(series, |series| series.community.into()));
        let versions = sql.bind(uuids(series, |series| series.indicator_version.into()));
        let sources = sql.bind(uuids(series, |series| series.source.into()));
        let parts = sql.bind(parts(series));
        format!(
            "unnest({communities}, {versions}, {sources}, {parts}) WITH ORDINALITY \
             AS w(community_id, indicator_version_id, source_id, disaggregation, place)"
        )
    } else {
        let json = sql.bind(json(series, |json, series| {
            for id in [series.community.into(), series.indicator_version.into(), series.source.into()] {
                // Writing to a String cannot fail.
                let _ = write!(json, "{}", Uuid::simple(id));
            }
        })?);
        format!(
            "(SELECT unhex(substr(value, 1, 32)) AS community_id, unhex(substr(value, 33, 32)) AS indicator_version_id, \
             unhex(substr(value, 65, 32)) AS source_id, substr(value, 97) AS disaggregation, key + 1 AS place \
             FROM json_each({json})) AS w"
        )
    })
}

/// The identifiers of those of these series that there are.
pub(crate) async fn find<'a, C: ConnectionTrait>(
    db: &C,
    series: &[&'a Series],
) -> Result<HashMap<&'a Series, SeriesId>> {
    let ids = ids_of(db, series).await?;
    Ok(series.iter().zip(ids).filter_map(|(series, id)| Some((*series, id?))).collect())
}

/// The identifiers of these series, in their order, where there are such.
async fn ids_of<C: ConnectionTrait>(db: &C, series: &[&Series]) -> Result<Vec<Option<SeriesId>>> {
    let mut sql = Sql::new(db.get_database_backend());
    let wanted = wanted(&mut sql, series)?;
    let same = "s.community_id = w.community_id AND s.indicator_version_id = w.indicator_version_id \
        AND s.source_id = w.source_id AND s.disaggregation = w.disaggregation";
    let from = format!("{wanted} {}", sql.beside("series", "s", same));
    let found = if sql.is_postgres() {
        // All in one row: the driver takes as long for each row as PostgreSQL for looking it up.
        let text =
            format!("SELECT coalesce(array_agg(w.place), '{{}}'), coalesce(array_agg(s.id), '{{}}') FROM {from}");
        let row = db.query_one_raw(sql.statement(text)).await.map_err(database)?;
        let row = row.ok_or_else(|| Error::internal("an aggregate answered nothing"))?;
        let mut row = Row::new(&row)?;
        let (places, ids) = (row.list::<i64>()?, row.list::<Uuid>()?);
        places.into_iter().zip(ids.into_iter().map(SeriesId::from)).collect()
    } else {
        let text = format!("SELECT w.place, s.id FROM {from}");
        let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
        let pair = |row| {
            let mut row = Row::new(row)?;
            Ok((row.take()?, row.id()?))
        };
        rows.iter().map(pair).collect::<Result<Vec<(i64, SeriesId)>>>()?
    };
    let mut ids = vec![None; series.len()];
    for (place, id) in found {
        let slot = usize::try_from(place - 1).ok().and_then(|place| ids.get_mut(place));
        *slot.ok_or_else(|| Error::internal("a series was found that was not looked for"))? = Some(id);
    }
    Ok(ids)
}

async fn create<C: ConnectionTrait>(db: &C, series: &[&Series], at: DateTime<Utc>, by: &str) -> Result<()> {
    let mut sql = Sql::new(db.get_database_backend());
    let rows = if sql.is_postgres() {
        let ids = sql.bind(uuids(series, |_| Uuid::now_v7()));
        let communities = sql.bind(uuids(series, |series| series.community.into()));
        let indicators = sql.bind(uuids(series, |series| series.indicator.into()));
        let versions = sql.bind(uuids(series, |series| series.indicator_version.into()));
        let sources = sql.bind(uuids(series, |series| series.source.into()));
        let parts = sql.bind(parts(series));
        let breakdowns = sql.bind(uuids(series, breakdown_id));
        format!("unnest({ids}, {communities}, {indicators}, {versions}, {sources}, {parts}, {breakdowns}) AS w")
    } else {
        let json = sql.bind(json(series, |json, series| {
            let (community, indicator) = (series.community.into(), series.indicator.into());
            let (version, source) = (series.indicator_version.into(), series.source.into());
            for id in [Uuid::now_v7(), community, indicator, version, source, breakdown_id(series)] {
                // Writing to a String cannot fail.
                let _ = write!(json, "{}", id.simple());
            }
        })?);
        let part = |number: u8| format!("unhex(substr(value, {}, 32))", u16::from(number) * 32 + 1);
        let (ids, breakdown) = ((0..5).map(part).collect::<Vec<_>>().join(", "), part(5));
        format!("(SELECT {ids}, substr(value, 193), {breakdown} FROM json_each({json})) AS w")
    };
    let (at, by) = (sql.bind(at), sql.bind(by));
    let text = format!(
        "INSERT INTO series (id, community_id, indicator_id, indicator_version_id, source_id, disaggregation, \
         breakdown_id, version, created_at, created_by, updated_at, updated_by) \
         SELECT w.*, 1, {at}, {by}, {at}, {by} FROM {rows} WHERE TRUE \
         ON CONFLICT (community_id, indicator_version_id, source_id, disaggregation) DO NOTHING"
    );
    db.execute_raw(sql.statement(text)).await.map_err(database).map(drop)
}

fn uuids(series: &[&Series], of: impl Fn(&Series) -> Uuid) -> Vec<Uuid> {
    series.iter().map(|series| of(series)).collect()
}

fn parts(series: &[&Series]) -> Vec<String> {
    series.iter().map(|series| series.disaggregation.to_string()).collect()
}

/// One text for each series: what `parts` puts down, of one length for all of them, then the disaggregation. `SQLite` would read an
/// array within the array anew for each of its parts.
fn json(series: &[&Series], parts: impl Fn(&mut String, &Series)) -> Result<String> {
    let texts = series.iter().map(|series| {
        let mut text = String::new();
        parts(&mut text, series);
        // Writing to a String cannot fail.
        let _ = write!(text, "{}", series.disaggregation);
        text
    });
    serde_json::to_string(&texts.collect::<Vec<_>>()).map_err(Error::internal)
}
