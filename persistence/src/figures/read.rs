//! Reading figures.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Error, Result,
    access::Scope,
    error::ProblemCode,
    id::{CommunityId, IndicatorId, IndicatorVersionId, SeriesId},
    observation::{Observation, ObservationFilter, ObservationSort},
    page::{Cursor, CursorValue, Direction, ListQuery, Page},
    period::{Period, PeriodKind},
    port::figures::Latest,
    series::Disaggregation,
};
use sea_orm::{ConnectionTrait, QueryResult};

use super::{known::Known, newest::newest};
use crate::{
    error::database,
    row::Row,
    sight::Sight,
    sql::{self, Sql},
};

pub(super) async fn rows<C: ConnectionTrait>(db: &C, sql: Sql, text: String) -> Result<Vec<QueryResult>> {
    db.query_all_raw(sql.statement(text)).await.map_err(database)
}

/// See [`domain::port::figures::Figures::latest`].
pub(super) async fn latest<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    communities: &[CommunityId],
    indicators: &[IndicatorId],
    disaggregation: &Disaggregation,
    as_of: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Vec<Latest>> {
    let mut sql = Sql::new(db.get_database_backend());
    let sight = Sight::new(&mut sql, scope, now);
    let known = Known::new(&mut sql, as_of);
    let whose = sql.ids(communities.iter().copied(), "whose");
    let disaggregation = sql.bind(disaggregation.to_string());
    let of = if known.is_then() { "s" } else { "l" };
    let mut condition =
        format!("{of}.community_id IN (SELECT whose.id FROM {whose}) AND {of}.disaggregation = {disaggregation}");
    if !indicators.is_empty() {
        let what = sql.ids(indicators.iter().copied(), "what");
        condition = format!("{condition} AND {of}.indicator_id IN (SELECT what.id FROM {what})");
    }
    newest_known(db, sql, &sight, &known, &condition).await
}

/// The newest figures, now or then, of the series that meet a condition.
async fn newest_known<C: ConnectionTrait>(
    db: &C,
    sql: Sql,
    sight: &Sight,
    known: &Known,
    condition: &str,
) -> Result<Vec<Latest>> {
    let text = if known.is_then() { known.newest(sight, condition) } else { newest(sight, condition) };
    rows(db, sql, text)
        .await?
        .iter()
        .map(|row| {
            let mut row = Row::new(row)?;
            let series = row.series()?;
            let mut observation = row.observation()?;
            if known.is_then() {
                observation.superseded_at = row.take()?;
            }
            Ok(Latest { series_id: observation.series, series, observation })
        })
        .collect()
}

/// See [`domain::port::figures::Figures::latest_of`].
pub(super) async fn latest_of<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    series: &[SeriesId],
    as_of: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<HashMap<SeriesId, Observation>> {
    let mut sql = Sql::new(db.get_database_backend());
    let sight = Sight::new(&mut sql, scope, now);
    let known = Known::new(&mut sql, as_of);
    let ids = sql.ids(series.iter().copied(), "ids");
    let of = if known.is_then() { "s.id" } else { "l.series_id" };
    let condition = format!("{of} IN (SELECT ids.id FROM {ids})");
    let found = newest_known(db, sql, &sight, &known, &condition).await?;
    Ok(found.into_iter().map(|latest| (latest.series_id, latest.observation)).collect())
}

/// The place of a period among those of its series, as cursors carry it.
fn place(period: Period) -> String {
    format!("{}/{}/{}", period.end(), period.start(), period.kind().code())
}

/// Reads a place back: end, start and kind, in that order.
fn read_place(cursor: &Cursor, field: &'static str) -> Result<(NaiveDate, NaiveDate, PeriodKind)> {
    let parse = || {
        let CursorValue::Text(text) = &cursor.value else { return None };
        let mut parts = text.splitn(3, '/');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    parse().ok_or_else(|| Error::invalid(field, ProblemCode::Invalid, "this is not a cursor of this list"))
}

/// The conditions that a filter puts on figures in table `o`, each beginning with `AND`.
pub(super) fn filtered(sql: &mut Sql, filter: &ObservationFilter) -> String {
    let conditions = [
        filter.kind.map(|kind| format!(" AND o.period_kind = {}", sql.bind(kind.code()))),
        filter.from.map(|from| format!(" AND o.period_end > {}", sql.bind(from))),
        filter.until.map(|until| format!(" AND o.period_start <= {}", sql.bind(until))),
    ];
    conditions.into_iter().flatten().collect()
}

/// The conditions for figures in table `o` as they are known now, or were at a moment, in sight; with the retractions that stand, where
/// they are asked for.
fn known(sql: &mut Sql, sight: &Sight, filter: &ObservationFilter) -> String {
    let known = Known::new(sql, filter.as_of);
    if filter.retracted { known.seen_or_retracted(sight, "o") } else { known.seen(sight, "o") }
}

/// See [`domain::port::figures::Figures::observations`].
pub(super) async fn observations<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    series: &[SeriesId],
    query: &ListQuery<ObservationFilter, ObservationSort>,
    now: DateTime<Utc>,
) -> Result<HashMap<SeriesId, Page<Observation>>> {
    let totals = if query.count { Some(count(db, scope, series, &query.filter, now).await?) } else { None };
    let mut fetched = fetch(db, scope, series, query, now).await?;
    let page = |id: &SeriesId| {
        let total = totals.as_ref().map(|totals| totals.get(id).copied().unwrap_or(0));
        let items = fetched.remove(id).unwrap_or_default();
        (*id, Page::from_fetched(items, &query.page, total))
    };
    Ok(series.iter().map(page).collect())
}

async fn count<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    series: &[SeriesId],
    filter: &ObservationFilter,
    now: DateTime<Utc>,
) -> Result<HashMap<SeriesId, u64>> {
    let mut sql = Sql::new(db.get_database_backend());
    let sight = Sight::new(&mut sql, scope, now);
    let whose = sight.one_of(&mut sql, "o.series_id", series);
    let known = known(&mut sql, &sight, filter);
    let filter = filtered(&mut sql, filter);
    let text = format!(
        "SELECT o.series_id, count(*) FROM observation o WHERE {whose}{filter} AND {known} GROUP BY o.series_id"
    );
    let rows = rows(db, sql, text).await?;
    rows.iter()
        .map(|row| {
            let mut row = Row::new(row)?;
            Ok((row.id()?, u64::try_from(row.take::<i64>()?).map_err(Error::internal)?))
        })
        .collect()
}

type Items = Vec<(Cursor, Observation)>;

async fn fetch<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    series: &[SeriesId],
    query: &ListQuery<ObservationFilter, ObservationSort>,
    now: DateTime<Utc>,
) -> Result<HashMap<SeriesId, Items>> {
    let page = &query.page;
    let mut sql = Sql::new(db.get_database_backend());
    let sight = Sight::new(&mut sql, scope, now);
    let whose = sight.one_of(&mut sql, "o.series_id", series);
    let known = known(&mut sql, &sight, &query.filter);
    let mut condition = filtered(&mut sql, &query.filter);
    let ascending = query.order.direction == Direction::Ascending;
    for (cursor, field, follows) in [(&page.after, "after", ascending), (&page.before, "before", !ascending)] {
        let Some(cursor) = cursor else { continue };
        let (end, start, kind) = read_place(cursor, field)?;
        let (end, start, kind) = (sql.bind(end), sql.bind(start), sql.bind(kind.code()));
        let sign = if follows { '>' } else { '<' };
        condition =
            format!("{condition} AND (o.period_end, o.period_start, o.period_kind) {sign} ({end}, {start}, {kind})");
    }
    // Counted from the end, the nearest come first too; the page turns them round again.
    let way = if ascending == page.from_end { "DESC" } else { "ASC" };
    let most = sql.bind(i64::try_from(page.size).unwrap_or(i64::MAX).saturating_add(1));
    let text = format!(
        "SELECT {ranked} FROM (SELECT {revision}, row_number() OVER (PARTITION BY o.series_id \
         ORDER BY o.period_end {way}, o.period_start {way}, o.period_kind {way}) AS place \
         FROM observation o WHERE {whose}{condition} AND {known}) AS ranked \
         WHERE ranked.place <= {most} ORDER BY ranked.series_id, ranked.place",
        ranked = sql::revision("ranked"),
        revision = sql::revision("o"),
    );
    let tag = query.order.tag();
    let mut fetched: HashMap<SeriesId, Items> = HashMap::with_capacity(series.len());
    for row in &rows(db, sql, text).await? {
        let mut row = Row::new(row)?;
        let observation = row.revision()?;
        let cursor = Cursor {
            order: tag.clone(),
            value: CursorValue::Text(place(observation.period)),
            id: observation.series.into(),
        };
        fetched.entry(observation.series).or_default().push((cursor, observation));
    }
    Ok(fetched)
}

/// See [`domain::port::figures::Figures::revisions`].
pub(super) async fn revisions<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    keys: &[(SeriesId, Period)],
    now: DateTime<Utc>,
) -> Result<Vec<Observation>> {
    let mut sql = Sql::new(db.get_database_backend());
    let sight = Sight::new(&mut sql, scope, now);
    let wanted = sql.periods(keys.iter().copied(), "k");
    let text = format!(
        "SELECT {columns} FROM {wanted} JOIN observation o ON o.series_id = k.series_id \
         AND o.period_end = k.period_end AND o.period_start = k.period_start AND o.period_kind = k.period_kind \
         WHERE TRUE{revision}{series} ORDER BY o.series_id, o.period_end, o.period_start, o.period_kind, o.revision",
        columns = sql::revision("o"),
        revision = sight.revision("o"),
        series = sight.series("o.series_id"),
    );
    let rows = rows(db, sql, text).await?;
    rows.iter().map(|row| Row::new(row)?.revision()).collect()
}

/// See [`domain::port::figures::Figures::is_observed`].
pub(super) async fn is_observed<C: ConnectionTrait>(db: &C, version: IndicatorVersionId) -> Result<bool> {
    let id = uuid::Uuid::from(version);
    let mut sql = Sql::new(db.get_database_backend());
    if sql.is_postgres() {
        // A series holds the version that it refers to until it is committed: whoever records the first figure at this
        // moment is waited for, and nobody begins a series before the asker is done. `SQLite` has one writer at a time.
        let version = sql.bind(id);
        rows(db, sql, format!("SELECT 1 FROM indicator_version v WHERE v.id = {version} FOR UPDATE")).await?;
        sql = Sql::new(db.get_database_backend());
    }
    let version = sql.bind(id);
    let text = format!(
        "SELECT 1 FROM series s WHERE s.indicator_version_id = {version} \
         AND EXISTS (SELECT 1 FROM observation o WHERE o.series_id = s.id) LIMIT 1"
    );
    Ok(!rows(db, sql, text).await?.is_empty())
}
