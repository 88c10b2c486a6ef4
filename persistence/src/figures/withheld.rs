//! What enters totals without being read alone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    Result,
    access::Scope,
    compare::Withheld,
    id::{CommunityId, IndicatorVersionId, NetworkId, SeriesId, SourceId},
    learning::Visibility,
    port::figures::CandidateQuery,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{candidates::for_period, newest::newest_if_shared};
use crate::{
    error::database,
    row::Row,
    sight::{Sight, decided},
    sql::{self, Sql},
};

/// See [`domain::port::figures::Figures::withheld`].
///
/// There is a row for each network whose totals a figure may enter: which those are does not depend on who reads.
pub(super) async fn withheld<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    query: &CandidateQuery,
) -> Result<Vec<Withheld>> {
    let counted = scope.counted_in_totals(query.network, query.indicator);
    if counted.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend());
    let current = current(&mut sql, scope, query);
    let (indicator, today) = (sql.bind(Uuid::from(query.indicator)), sql.bind(query.now.date_naive()));
    let decided = |act| decided(&today, "c.community_id", &indicator, act, Some("place.network_id"));
    let visibilities: Vec<_> = counted.iter().map(|visibility| format!("'{}'", visibility.code())).collect();
    // The rule that applies: that on the indicator, or else the general one. Without a rule nothing is withheld but what an
    // authority speaks for, and that stays in the community.
    let text = format!(
        "SELECT c.community_id, c.indicator_version_id, c.source_id, {figure}, rule.visibility, rule.updated_at, \
         first.recorded_at, place.network_id, place.updated_at FROM ({current}) AS c \
         JOIN sharing_rule rule ON rule.community_id = c.community_id AND rule.archived_at IS NULL \
         AND (rule.indicator_id = {indicator} OR (rule.indicator_id IS NULL AND NOT EXISTS (SELECT 1 FROM sharing_rule nearer \
         WHERE nearer.community_id = c.community_id AND nearer.indicator_id = {indicator} AND nearer.archived_at IS NULL))) \
         JOIN observation first ON first.series_id = c.series_id AND first.period_end = c.period_end \
         AND first.period_start = c.period_start AND first.period_kind = c.period_kind AND first.revision = 1 \
         JOIN membership place ON place.community_id = c.community_id AND {member} \
         AND place.consented AND (place.consent_expires_on IS NULL OR place.consent_expires_on >= {today}) \
         WHERE rule.visibility IN ({visibilities}) AND (NOT EXISTS (SELECT 1 FROM community under \
         WHERE under.id = c.community_id AND under.indigenous_data_authority IS NOT NULL) \
         OR ({aggregate} AND (rule.visibility = 'AGGREGATE_ONLY' OR {publish})))",
        figure = sql::figure("c"),
        member = sql::current_membership("place", &today),
        visibilities = visibilities.join(", "),
        aggregate = decided("AGGREGATE"),
        publish = decided("PUBLISH"),
    );
    let rows = db.query_all_raw(sql.statement(text)).await.map_err(database)?;
    let mut found: BTreeMap<SeriesId, Withheld> = BTreeMap::new();
    for row in &rows {
        let (series, read) = read(&mut Row::new(row)?)?;
        let kept = found.entry(series).or_insert_with(|| read.clone());
        kept.networks.extend(read.networks);
        kept.since = kept.since.max(read.since);
    }
    Ok(found.into_values().filter(|found| found.networks.contains(&query.network)).collect())
}

fn read(row: &mut Row<'_>) -> Result<(SeriesId, Withheld)> {
    let (community, version, source): (CommunityId, IndicatorVersionId, SourceId) = (row.id()?, row.id()?, row.id()?);
    let current = row.observation()?;
    let visibility: Visibility = row.parse()?;
    let (shared, recorded): (DateTime<Utc>, DateTime<Utc>) = (row.take()?, row.take()?);
    let (network, joined): (NetworkId, DateTime<Utc>) = (row.id()?, row.take()?);
    let withheld = Withheld {
        community,
        version,
        source,
        period: current.period,
        figure: current.figure,
        read_by_members: visibility != Visibility::AggregateOnly,
        networks: [network].into(),
        since: shared.max(recorded).max(joined),
    };
    Ok((current.series, withheld))
}

/// The current figures that are for everybody, of communities that do not share them with the reader: for the period asked
/// for, or the newest.
fn current(sql: &mut Sql, scope: &Scope, query: &CandidateQuery) -> String {
    let sight = Sight::new(sql, scope, query.now);
    // What is not for everybody enters no total of others, also where the reader is of the community.
    let public = Sight::new(sql, &Scope::Public, query.now);
    let whose = sql.ids(query.communities.iter().copied(), "whose");
    let indicator = sql.bind(Uuid::from(query.indicator));
    let disaggregation = sql.bind(query.disaggregation.to_string());
    let condition = |table: &str| {
        format!(
            "{table}.indicator_id = {indicator} AND {table}.disaggregation = {disaggregation} \
             AND {table}.community_id IN (SELECT whose.id FROM {whose}) AND NOT (TRUE{shared})",
            shared = sight.shared(&format!("{table}.community_id"), &format!("{table}.indicator_id")),
        )
    };
    let Some(period) = query.period else { return newest_if_shared(&public, &condition("l")) };
    format!(
        "SELECT {of_what}, {figure} FROM series s JOIN observation o ON o.series_id = s.id AND {period} \
         AND o.superseded_at IS NULL WHERE {condition}{public}",
        of_what = sql::series("s"),
        figure = sql::figure("o"),
        period = for_period(sql, "o", period),
        condition = condition("s"),
        public = public.figure("o"),
    )
}
