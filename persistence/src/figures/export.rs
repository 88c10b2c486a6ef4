//! Figures that are taken out, in an order that does not depend on identifiers.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Result,
    access::Scope,
    export::{ExportFilter, ExportPage, ExportPart, ExportPlace, ExportSpan},
    observation::{Observation, ObservationFilter},
    port::export::Exports,
    series::Series,
};
use sea_orm::{ConnectionTrait, QueryResult};
use uuid::Uuid;

use super::{
    known::Known,
    read::{filtered, rows},
};
use crate::{
    repo::Repos,
    row::Row,
    sight::Sight,
    sql::{self, Sql},
};

/// Series of a page at most, and figures. A page that is full of one goes on after the last.
const MOST_SERIES: usize = 250;
const MOST_FIGURES: usize = 5_000;

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> Exports for Repos<C> {
    async fn parts(&self, scope: &Scope, filter: &ExportFilter, now: DateTime<Utc>) -> Result<Vec<ExportPart>> {
        let mut sql = Sql::new(self.0.get_database_backend());
        let sight = Sight::new(&mut sql, scope, now);
        let wanted = wanted(&mut sql, &sight, filter);
        let figures = figures(&mut sql, &sight, filter.span);
        let text = format!(
            "SELECT DISTINCT s.indicator_id, s.indicator_version_id, s.source_id, s.disaggregation FROM series s \
             WHERE {wanted} AND EXISTS (SELECT 1 FROM observation o WHERE o.series_id = s.id{figures})"
        );
        let rows = rows(&self.0, sql, text).await?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                Ok(ExportPart {
                    indicator: row.id()?,
                    version: row.id()?,
                    source: row.id()?,
                    disaggregation: row.parse()?,
                })
            })
            .collect()
    }

    async fn page(
        &self,
        scope: &Scope,
        filter: &ExportFilter,
        after: Option<&ExportPlace>,
        now: DateTime<Utc>,
    ) -> Result<ExportPage> {
        let mut sql = Sql::new(self.0.get_database_backend());
        let sight = Sight::new(&mut sql, scope, now);
        let wanted = wanted(&mut sql, &sight, filter);
        let figures = figures(&mut sql, &sight, filter.span);
        let (series_after, figures_after) = beyond(&mut sql, after);
        // A series of which nothing is in sight is still met once, so that what follows it is found.
        let text = format!(
            "SELECT p.slug, p.code, p.key, {of_what}, {figure} FROM (SELECT s.*, c.slug, i.code, k.key FROM series s \
             JOIN community c ON c.id = s.community_id JOIN indicator i ON i.id = s.indicator_id \
             JOIN source k ON k.id = s.source_id WHERE {wanted}{series_after} \
             ORDER BY c.slug, i.code, k.key, s.disaggregation, s.id LIMIT {MOST_SERIES}) AS p \
             LEFT JOIN observation o ON o.series_id = p.id{figures}{figures_after} \
             ORDER BY p.slug, p.code, p.key, p.disaggregation, p.id, o.period_end, o.period_start, o.period_kind \
             LIMIT {MOST_FIGURES}",
            of_what = sql::series("p"),
            figure = sql::figure("o"),
        );
        page(&rows(&self.0, sql, text).await?)
    }
}

/// The conditions on the series `s` that are wanted and in sight.
fn wanted(sql: &mut Sql, sight: &Sight, filter: &ExportFilter) -> String {
    let whose = sql.ids(filter.communities.iter().copied(), "whose");
    let mut conditions = format!("s.community_id IN (SELECT whose.id FROM {whose})");
    let mut narrow = |column: &str, name: &str, ids: Option<Vec<Uuid>>| {
        if let Some(ids) = ids {
            let table = sql.ids(ids, name);
            conditions = format!("{conditions} AND s.{column} IN (SELECT {name}.id FROM {table})");
        }
    };
    narrow("indicator_id", "what", ids(filter.indicators.as_ref()));
    narrow("indicator_version_id", "how", ids(filter.versions.as_ref()));
    narrow("source_id", "whence", ids(filter.sources.as_ref()));
    conditions + &sight.shared("s.community_id", "s.indicator_id")
}

fn ids<I: Copy + Into<Uuid>>(ids: Option<&Vec<I>>) -> Option<Vec<Uuid>> {
    ids.map(|ids| ids.iter().map(|id| (*id).into()).collect())
}

/// The conditions on figures `o` that are wanted and in sight, each beginning with `AND`.
fn figures(sql: &mut Sql, sight: &Sight, span: ExportSpan) -> String {
    let ExportSpan { from, until, as_of } = span;
    let filter = ObservationFilter { kind: None, from, until, as_of, retracted: false };
    let seen = Known::new(sql, as_of).seen(sight, "o");
    format!("{} AND {seen}", filtered(sql, &filter))
}

/// The conditions on series `s` and figures `o` that stand after a place.
fn beyond(sql: &mut Sql, after: Option<&ExportPlace>) -> (String, String) {
    let Some(place) = after else { return (String::new(), String::new()) };
    let ExportPlace { community, indicator, source, disaggregation, period } = place;
    let key = [community, indicator, source, disaggregation].map(|part| sql.bind(part.clone())).join(", ");
    let Some(period) = period else {
        return (format!(" AND (c.slug, i.code, k.key, s.disaggregation) > ({key})"), String::new());
    };
    let (end, start, kind) = (sql.bind(period.end()), sql.bind(period.start()), sql.bind(period.kind().code()));
    let figures = format!(
        " AND ((p.slug, p.code, p.key, p.disaggregation) > ({key}) \
         OR (o.period_end, o.period_start, o.period_kind) > ({end}, {start}, {kind}))"
    );
    (format!(" AND (c.slug, i.code, k.key, s.disaggregation) >= ({key})"), figures)
}

/// A row: where its series stands, and the figure if there is one.
struct Met {
    place: ExportPlace,
    series: Series,
    figure: Option<Observation>,
}

fn met(row: &QueryResult) -> Result<Met> {
    let mut row = Row::new(row)?;
    let (community, indicator, source) = (row.take()?, row.take()?, row.take()?);
    let series = row.series()?;
    let figure = row.optional_observation()?;
    let disaggregation = series.disaggregation.to_string();
    Ok(Met { place: ExportPlace { community, indicator, source, disaggregation, period: None }, series, figure })
}

fn page(rows: &[QueryResult]) -> Result<ExportPage> {
    let mut page = ExportPage { figures: Vec::with_capacity(rows.len()), next: None };
    let (mut count, mut last): (usize, Option<ExportPlace>) = (0, None);
    for row in rows {
        let Met { place, series, figure } = met(row)?;
        let period = figure.as_ref().map(|figure| figure.period);
        if last.as_ref().is_none_or(|last| !last.is_of_the_series_of(&place)) {
            count += 1;
        }
        last = Some(ExportPlace { period, ..place });
        page.figures.extend(figure.map(|figure| (series, figure)));
    }
    // A page that is not full of figures has all of its series.
    page.next = match last {
        Some(last) if rows.len() == MOST_FIGURES => Some(last),
        Some(last) if count == MOST_SERIES => Some(ExportPlace { period: None, ..last }),
        _ => None,
    };
    Ok(page)
}
