//! What data-quality rules look at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use chrono::NaiveDate;
use domain::{
    Error, Result,
    id::{CommunityId, NetworkId},
    observation::ObservationStatus,
    period::{Period, PeriodKind},
    port::quality::{Quality, Stretch},
    quality::Past,
    series::{Disaggregation, Series},
};
use sea_orm::ConnectionTrait;

use crate::{
    figures::series::wanted,
    repo::{Repos, series_break},
    row::Row,
    sql::Sql,
};

/// Series `s` is of the community, the definition and the source of `w`.
const OF_SERIES: &str = "s.community_id = w.community_id AND s.indicator_version_id = w.indicator_version_id \
    AND s.source_id = w.source_id";

/// A table `k(kind, since, until, place)` of these, counted from 1.
fn spans(sql: &mut Sql, spans: &[(PeriodKind, NaiveDate, NaiveDate)]) -> Result<String> {
    if sql.is_postgres() {
        let kinds = sql.bind(spans.iter().map(|span| span.0.code().to_owned()).collect::<Vec<String>>());
        let since = sql.bind(spans.iter().map(|span| span.1).collect::<Vec<NaiveDate>>());
        let until = sql.bind(spans.iter().map(|span| span.2).collect::<Vec<NaiveDate>>());
        return Ok(format!("unnest({kinds}, {since}, {until}) WITH ORDINALITY AS k(kind, since, until, place)"));
    }
    let texts: Vec<_> = spans.iter().map(|(kind, since, until)| (kind.code(), since, until)).collect();
    let json = sql.bind(serde_json::to_string(&texts).map_err(Error::internal)?);
    Ok(format!(
        "(SELECT value ->> 0 AS kind, value ->> 1 AS since, value ->> 2 AS until, key + 1 AS place FROM json_each({json})) AS k"
    ))
}

/// The entry that a row with this place belongs to.
fn entry<T>(all: &mut [T], place: i64) -> Result<&mut T> {
    let found = usize::try_from(place - 1).ok().and_then(|place| all.get_mut(place));
    found.ok_or_else(|| Error::internal("a figure was found that was not looked for"))
}

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> Quality for Repos<C> {
    async fn networks_of(
        &self,
        communities: &BTreeSet<CommunityId>,
        day: NaiveDate,
    ) -> Result<BTreeSet<(CommunityId, NetworkId)>> {
        self.memberships_on(communities, day).await
    }

    async fn values(&self, stretches: &[Stretch<'_>]) -> Result<Vec<BTreeMap<Period, Past>>> {
        let mut found = vec![BTreeMap::new(); stretches.len()];
        if stretches.is_empty() {
            return Ok(found);
        }
        let mut sql = self.sql();
        let wanted = wanted(&mut sql, &stretches.iter().map(|stretch| stretch.series).collect::<Vec<_>>())?;
        let places: Vec<_> = stretches.iter().map(|stretch| (stretch.kind, stretch.since, stretch.until)).collect();
        let spans = spans(&mut sql, &places)?;
        let series = sql.beside("series", "s", &format!("{OF_SERIES} AND s.disaggregation = w.disaggregation"));
        let observation = sql.beside(
            "observation",
            "o",
            "o.series_id = s.id AND o.period_kind = k.kind AND o.period_end > k.since AND o.period_end <= k.until \
             AND o.superseded_at IS NULL AND o.value IS NOT NULL AND o.status <> 'F'",
        );
        let text = format!(
            "SELECT w.place, o.period_kind, o.period_start, o.period_end, o.value, o.status FROM {wanted} \
             JOIN {spans} ON k.place = w.place {series} {observation}"
        );
        for row in &self.query(sql.statement(text)).await? {
            let mut row = Row::new(row)?;
            let values = entry(&mut found, row.take()?)?;
            let period = row.period()?;
            let value = row.take()?;
            let breaks = row.parse::<ObservationStatus>()? == ObservationStatus::SeriesBreak;
            values.insert(period, Past { value, breaks });
        }
        Ok(found)
    }

    async fn breaks(&self, series: &[&Series]) -> Result<Vec<BTreeSet<NaiveDate>>> {
        let mut found = vec![BTreeSet::new(); series.len()];
        if series.is_empty() {
            return Ok(found);
        }
        let mut sql = self.sql();
        let text = format!(
            "SELECT w.place, d.starts_on FROM {wanted} JOIN indicator_version v ON v.id = w.indicator_version_id CROSS JOIN {counting} \
             AND d.community_id = w.community_id AND d.indicator_id = v.indicator_id \
             AND (d.source_id IS NULL OR d.source_id = w.source_id)",
            wanted = wanted(&mut sql, series)?,
            counting = series_break::counting("d", None),
        );
        for row in &self.query(sql.statement(text)).await? {
            let mut row = Row::new(row)?;
            let days = entry(&mut found, row.take()?)?;
            days.insert(row.take()?);
        }
        Ok(found)
    }

    async fn breakdowns(&self, totals: &[(Series, Period)]) -> Result<Vec<HashMap<Disaggregation, Option<f64>>>> {
        let mut found = vec![HashMap::new(); totals.len()];
        if totals.is_empty() {
            return Ok(found);
        }
        let mut sql = self.sql();
        let wanted = wanted(&mut sql, &totals.iter().map(|(series, _)| series).collect::<Vec<_>>())?;
        let places: Vec<_> = totals.iter().map(|(_, period)| (period.kind(), period.start(), period.end())).collect();
        let spans = spans(&mut sql, &places)?;
        // A disaggregation by several dimensions has a semicolon between them, and nowhere else.
        let series = sql.beside("series", "s", &format!("{OF_SERIES} AND s.disaggregation NOT LIKE '%;%'"));
        let text = format!(
            "SELECT w.place, s.disaggregation, o.value FROM {wanted} JOIN {spans} ON k.place = w.place {series} \
             LEFT JOIN observation o ON o.series_id = s.id AND o.period_kind = k.kind AND o.period_start = k.since \
             AND o.period_end = k.until AND o.superseded_at IS NULL"
        );
        for row in &self.query(sql.statement(text)).await? {
            let mut row = Row::new(row)?;
            let values = entry(&mut found, row.take()?)?;
            values.insert(row.parse()?, row.take()?);
        }
        Ok(found)
    }
}
