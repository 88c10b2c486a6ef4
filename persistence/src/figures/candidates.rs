//! What comparisons choose from.

use std::{num::NonZero, sync::LazyLock};

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Error, Result,
    access::Scope,
    compare::Candidate,
    id::{CommunityId, NetworkId, SeriesId},
    observation::Observation,
    period::Period,
    port::figures::{CandidateQuery, Member},
    series::Series,
    series_break::Crossing,
};
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{known::Known, newest::newest};
use crate::{
    error::database,
    repo::series_break,
    row::Row,
    sight::{Sight, decided},
    sql::{self, Sql},
};

/// How many comparisons read their figures at the same time, one a processor; the others wait. One of a thousand communities takes
/// megabytes while its rows are read, and more at once would only share what the processors give.
static READERS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, NonZero::get).max(2)));

/// The condition that the figure in table `alias` is for this period.
pub(super) fn for_period(sql: &mut Sql, alias: &str, period: Period) -> String {
    let (end, start, kind) = (sql.bind(period.end()), sql.bind(period.start()), sql.bind(period.kind().code()));
    format!("{alias}.period_end = {end} AND {alias}.period_start = {start} AND {alias}.period_kind = {kind}")
}

/// See [`domain::port::figures::Figures::candidates`].
pub(super) async fn candidates<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    query: &CandidateQuery,
) -> Result<Vec<Candidate>> {
    let mut sql = Sql::new(db.get_database_backend());
    let sight = Sight::new(&mut sql, scope, query.now);
    let known = Known::new(&mut sql, query.as_of);
    let current = current(&mut sql, &sight, &known, query);
    let (baseline, declared) = baseline(&mut sql, query.baseline_period);
    let decisions = Decisions::new(&mut sql, query);
    // A break is rare: a partial index holds nothing else, so that looking for one costs next to nothing. It counts also where the
    // reader does not see its figure: no change is computed across it for anybody. Of an earlier moment, those known then count.
    let text = format!(
        "SELECT c.community_id, c.indicator_version_id, c.source_id, {current_figure}{current_end}, {declared}, \
         {baseline_figure}{baseline_end}, CASE WHEN p.series_id IS NULL THEN FALSE ELSE EXISTS (SELECT 1 FROM observation x WHERE x.series_id = c.series_id \
         AND x.status = 'B' AND {break_known} AND x.period_end > p.period_end AND x.period_end <= c.period_end) END, \
         {breaks}, {aggregated} \
         FROM ({current}) AS c LEFT JOIN baseline b ON b.series_id = c.series_id AND b.archived_at IS NULL \
         LEFT JOIN observation p ON p.series_id = c.series_id AND {baseline} AND p.value IS NOT NULL \
         AND {seen_baseline} WHERE {compared}",
        compared = let_into(&decisions, "COMPARE"),
        breaks = declared_breaks(sql.is_postgres(), &known, &decisions.indicator),
        aggregated = let_into(&decisions, "AGGREGATE"),
        current_figure = sql::figure("c"),
        current_end = known.superseded("c"),
        baseline_figure = sql::figure("p"),
        baseline_end = known.superseded("p"),
        break_known = known.current("x"),
        seen_baseline = known.seen(&sight, "p"),
    );
    // Held until the rows have been read; each is let go as it has been.
    let _turn = READERS.acquire().await.map_err(Error::internal)?;
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.into_iter()
        .map(|row| {
            let mut row = Row::new(&row)?;
            let series = Series {
                community: row.id()?,
                indicator: query.indicator,
                indicator_version: row.id()?,
                source: row.id()?,
                disaggregation: query.disaggregation.clone(),
            };
            let mut current = row.observation()?;
            if known.is_then() {
                current.superseded_at = row.take()?;
            }
            let declared: bool = row.take()?;
            let mut baseline = row.optional_observation()?;
            if known.is_then() {
                let superseded_at = row.take()?;
                baseline = baseline.map(|baseline| Observation { superseded_at, ..baseline });
            }
            Ok(Candidate {
                series_id: current.series,
                series,
                current,
                baseline_declared: declared && baseline.is_some(),
                baseline,
                broken_since_baseline: row.take()?,
                crossing: Crossing::over(row.optional_json()?.unwrap_or_default()),
                aggregated: row.take()?,
            })
        })
        .collect()
}

/// The days of the declared breaks between the baseline `p` and the figure `c`, with their bridges: those that begin after the
/// baseline's first day and by the last of the figure, since a period that a break lies in is measured in both ways. They are those that
/// were known when the figures were. Mostly there is none at all.
fn declared_breaks(is_postgres: bool, known: &Known, indicator: &str) -> String {
    // The bridge of a change of definition leads from one version to the next, and both figures are by one: nobody has said how
    // they compare.
    let bridge = "CASE WHEN d.reason = 'DEFINITION' THEN NULL ELSE d.bridge END";
    let list = if is_postgres {
        format!("jsonb_agg(jsonb_build_array(d.starts_on, {bridge}))")
    } else {
        format!("json_group_array(json_array(d.starts_on, json({bridge})))")
    };
    format!(
        "CASE WHEN p.series_id IS NULL OR NOT EXISTS (SELECT 1 FROM series_break) THEN NULL ELSE \
         (SELECT {list} FROM {counting} AND d.community_id = c.community_id AND d.indicator_id = {indicator} \
         AND (d.source_id IS NULL OR d.source_id = c.source_id) \
         AND d.starts_on > p.period_start AND d.starts_on < c.period_end) END",
        counting = series_break::counting("d", known.moment()),
    )
}

/// The parameters by which the decisions of Indigenous data authorities are found.
struct Decisions {
    today: String,
    indicator: String,
    network: String,
}

impl Decisions {
    fn new(sql: &mut Sql, query: &CandidateQuery) -> Self {
        Self {
            today: sql.bind(query.now.date_naive()),
            indicator: sql.bind(Uuid::from(query.indicator)),
            network: sql.bind(Uuid::from(query.network)),
        }
    }
}

/// The figures of `c` may be used so: whoever reads, the authority of their community decides, where there is one.
fn let_into(Decisions { today, indicator, network }: &Decisions, act: &str) -> String {
    let decided = decided(today, "c.community_id", indicator, act, Some(network));
    format!(
        "(c.community_id NOT IN (SELECT under.id FROM community under WHERE under.indigenous_data_authority IS NOT NULL) \
         OR {decided})"
    )
}

/// The current figures: for the period asked for, or the newest.
fn current(sql: &mut Sql, sight: &Sight, known: &Known, query: &CandidateQuery) -> String {
    let whose = sql.ids(query.communities.iter().copied(), "whose");
    let indicator = sql.bind(Uuid::from(query.indicator));
    let disaggregation = sql.bind(query.disaggregation.to_string());
    let condition = |table: &str| {
        format!(
            "{table}.indicator_id = {indicator} AND {table}.disaggregation = {disaggregation} \
             AND {table}.community_id IN (SELECT whose.id FROM {whose})"
        )
    };
    let Some(period) = query.period else {
        return if known.is_then() { known.newest(sight, &condition("s")) } else { newest(sight, &condition("l")) };
    };
    format!(
        "SELECT {of_what}, {figure}{end} FROM series s JOIN observation o ON o.series_id = s.id AND {period} \
         WHERE {seen} AND {condition}{community_sight}",
        of_what = sql::series("s"),
        figure = sql::figure("o"),
        period = for_period(sql, "o", period),
        condition = condition("s"),
        end = known.superseded("o"),
        seen = known.seen(sight, "o"),
        community_sight = sight.shared("s.community_id", "s.indicator_id"),
    )
}

/// The condition that the figure `p` is the baseline, and whether that is the declared one `b`.
fn baseline(sql: &mut Sql, period: Option<Period>) -> (String, String) {
    let same = |a: &str, b: &str| {
        format!(
            "{a}.period_end = {b}.period_end AND {a}.period_start = {b}.period_start AND {a}.period_kind = {b}.period_kind"
        )
    };
    match period {
        None => (same("p", "b"), "b.series_id IS NOT NULL".to_owned()),
        Some(period) => (for_period(sql, "p", period), format!("COALESCE({}, FALSE)", same("p", "b"))),
    }
}

/// See [`domain::port::figures::Figures::marked_breaks`].
pub(super) async fn marked_breaks<C: ConnectionTrait>(
    db: &C,
    series: &[SeriesId],
    as_of: Option<DateTime<Utc>>,
) -> Result<Vec<(SeriesId, NaiveDate)>> {
    let mut sql = Sql::new(db.get_database_backend());
    let known = Known::new(&mut sql, as_of);
    let ids = sql.ids(series.iter().copied(), "ids");
    let text = format!(
        "SELECT x.series_id, x.period_end FROM {ids} JOIN observation x ON x.series_id = ids.id \
         WHERE x.status = 'B' AND {}",
        known.current("x")
    );
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.iter()
        .map(|row| {
            let mut row = Row::new(row)?;
            Ok((row.id()?, row.take()?))
        })
        .collect()
}

/// As much of a code as tells when the geography changed; comparisons read a thousand members at once.
#[derive(Deserialize)]
struct Validity {
    valid_from: Option<NaiveDate>,
    valid_until: Option<NaiveDate>,
}

/// See [`domain::port::figures::Figures::members`].
pub(super) async fn members<C: ConnectionTrait>(db: &C, network: NetworkId, day: NaiveDate) -> Result<Vec<Member>> {
    let mut sql = Sql::new(db.get_database_backend());
    let (network, day) = (sql.bind(Uuid::from(network)), sql.bind(day));
    let text = format!(
        "SELECT c.id, c.population, c.codes FROM membership m JOIN community c ON c.id = m.community_id \
         WHERE m.network_id = {network} AND {} AND c.archived_at IS NULL ORDER BY c.id",
        sql::current_membership("m", &day)
    );
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    rows.iter()
        .map(|row| {
            let mut row = Row::new(row)?;
            let community = row.id()?;
            let population = row.take()?;
            let codes: Vec<Validity> = row.json()?;
            Ok(Member {
                community,
                population,
                geography_changes: codes
                    .iter()
                    .flat_map(|code| [code.valid_from, code.valid_until])
                    .flatten()
                    .collect(),
            })
        })
        .collect()
}

/// See [`domain::port::figures::Figures::under_authority`].
pub(super) async fn under_authority<C: ConnectionTrait>(db: &C) -> Result<Vec<CommunityId>> {
    let sql = Sql::new(db.get_database_backend());
    let text = "SELECT c.id FROM community c WHERE c.indigenous_data_authority IS NOT NULL";
    let rows = db.query_all_raw(sql.statement(text.to_owned())).await.map_err(database)?;
    rows.iter().map(|row| Row::new(row)?.id()).collect()
}
