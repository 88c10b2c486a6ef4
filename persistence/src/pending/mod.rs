//! Figures that wait until a steward publishes them.

// A method's path fixes the lifetime of the row, which is another for every call.
#![allow(clippy::redundant_closure_for_method_calls)]

mod receive;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound as _, Utc};
use domain::{
    Error, Result,
    observation::Figure,
    page::{Direction, ListQuery, Page},
    pending::{
        Chosen, PendingFilter, PendingId, PendingObservation, PendingSight, PendingSort, PendingState, Receipt, Sender,
        Submission,
    },
    port::pending::PendingFigures,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::{repo::Repos, row::Row, sql::Sql};

/// The columns of a figure that waits, in the order in which [`read`] reads them.
const COLUMNS: &str = "p.id, p.community_id, p.indicator_id, p.indicator_version_id, p.source_id, p.disaggregation, \
    p.period_kind, p.period_start, p.period_end, p.value, p.numerator, p.denominator, p.lower_limit, p.upper_limit, p.status, \
    p.confidentiality, p.embargo_until, p.note, p.external_id, p.inherits, p.restatement, p.findings, p.state, p.received_at, p.received_by, \
    p.decided_at, p.decided_by, p.reason";

fn read(row: &mut Row<'_>) -> Result<PendingObservation> {
    Ok(PendingObservation {
        id: PendingId(row.take()?),
        series: row.series()?,
        period: row.period()?,
        figure: Figure {
            value: row.take()?,
            numerator: row.take()?,
            denominator: row.take()?,
            lower: row.take()?,
            upper: row.take()?,
            status: row.parse()?,
            confidentiality: row.parse()?,
            embargo_until: row.take()?,
            note: row.take()?,
            external_id: row.take()?,
        },
        inherits: row.take()?,
        restatement: row.optional_parse()?,
        findings: row.json()?,
        state: row.parse()?,
        received_at: row.take()?,
        received_by: row.take()?,
        decided_at: row.take()?,
        decided_by: row.take()?,
        reason: row.take()?,
    })
}

/// What may be seen, as conditions on `p`.
fn seen(sql: &mut Sql, sight: &PendingSight) -> Vec<String> {
    let PendingSight::Of { communities, submitter } = sight else { return Vec::new() };
    let own = sql.bind(submitter.as_str());
    let communities = sql.ids(communities.iter().copied(), "answered");
    vec![format!("(p.received_by = {own} OR p.community_id IN (SELECT answered.id FROM {communities}))")]
}

/// The conditions of a filter on `p`.
fn narrowed(sql: &mut Sql, sight: &PendingSight, filter: &PendingFilter) -> Vec<String> {
    let mut all = Vec::new();
    let ids: [(&str, Option<Uuid>); 3] = [
        ("community_id", filter.community.map(Into::into)),
        ("indicator_id", filter.indicator.map(Into::into)),
        ("source_id", filter.source.map(Into::into)),
    ];
    for (column, id) in ids {
        all.extend(id.map(|id| format!("p.{column} = {}", sql.bind(id))));
    }
    if let Some(states) = &filter.states {
        // Codes of ours: nothing to escape.
        let states: Vec<_> = states.iter().map(|state| format!("'{}'", state.code())).collect();
        all.push(if states.is_empty() { "FALSE".into() } else { format!("p.state IN ({})", states.join(", ")) });
    }
    if let Some(with) = filter.with_findings {
        // To whoever sent a figure in, it has none: which of them have some would tell of what they were held against.
        let found = match sight {
            PendingSight::Everything => "p.has_findings".to_owned(),
            PendingSight::Of { communities, .. } => {
                let answered = sql.ids(communities.iter().copied(), "found");
                format!("(p.has_findings AND p.community_id IN (SELECT found.id FROM {answered}))")
            }
        };
        all.push(if with { found } else { format!("NOT {found}") });
    }
    all.extend(filter.after.map(|id| format!("p.id > {}", sql.bind(id.0))));
    all.extend(filter.received_before.map(|moment| format!("p.received_at < {}", sql.bind(moment))));
    all
}

/// What is chosen and may be seen, as one condition on `p`.
fn chosen(sql: &mut Sql, sight: &PendingSight, chosen: &Chosen) -> String {
    let mut all = seen(sql, sight);
    match chosen {
        Chosen::Ids(ids) => {
            let ids = sql.ids(ids.iter().map(|id| id.0), "chosen");
            all.push(format!("p.id IN (SELECT chosen.id FROM {ids})"));
        }
        Chosen::Matching(filter) => all.extend(narrowed(sql, sight, filter)),
    }
    joined(&all)
}

fn joined(conditions: &[String]) -> String {
    if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
}

impl<C: ConnectionTrait + Send + Sync> Repos<C> {
    async fn waiting_rows(&self, sql: Sql, rest: &str) -> Result<Vec<PendingObservation>> {
        let text = format!("SELECT {COLUMNS} FROM pending_observation p WHERE {rest}");
        let rows = self.query(sql.statement(text)).await?;
        rows.iter().map(|row| read(&mut Row::new(row)?)).collect()
    }

    async fn count_waiting(&self, sql: Sql, condition: &str) -> Result<u64> {
        let text = format!("SELECT count(*) FROM pending_observation p WHERE {condition}");
        let rows = self.query(sql.statement(text)).await?;
        let row = rows.first().ok_or_else(|| Error::internal("a count without a row"))?;
        u64::try_from(Row::new(row)?.take::<i64>()?).map_err(Error::internal)
    }

    /// Takes communities for this transaction, in one order: nobody else changes what waits of them until it ends. `SQLite` has one
    /// writer at a time anyway.
    async fn take_communities(&self, sql: Sql, ids: &str) -> Result<()> {
        if !sql.is_postgres() {
            return Ok(());
        }
        let text = format!("SELECT c.id FROM community c WHERE c.id IN ({ids}) ORDER BY c.id FOR NO KEY UPDATE");
        self.query(sql.statement(text)).await.map(drop)
    }
}

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> PendingFigures for Repos<C> {
    async fn receive(&self, figures: &[Submission], at: DateTime<Utc>, sender: Sender<'_>) -> Result<Vec<Receipt>> {
        receive::receive(self, figures, at.trunc_subsecs(6), sender).await
    }

    async fn get(&self, sight: &PendingSight, ids: &[PendingId]) -> Result<Vec<PendingObservation>> {
        let mut sql = self.sql();
        let condition = chosen(&mut sql, sight, &Chosen::Ids(ids.to_vec()));
        self.waiting_rows(sql, &condition).await
    }

    async fn list(
        &self,
        sight: &PendingSight,
        query: &ListQuery<PendingFilter, PendingSort>,
    ) -> Result<Page<PendingObservation>> {
        let begun = || {
            let mut sql = self.sql();
            let mut all = seen(&mut sql, sight);
            all.extend(narrowed(&mut sql, sight, &query.filter));
            (sql, all)
        };
        let total = if query.count {
            let (sql, all) = begun();
            Some(self.count_waiting(sql, &joined(&all)).await?)
        } else {
            None
        };
        let ascending = query.order.direction == Direction::Ascending;
        let (mut sql, mut all) = begun();
        let ends = [(query.page.after.as_ref(), ascending), (query.page.before.as_ref(), !ascending)];
        for (cursor, larger) in ends {
            if let Some(cursor) = cursor {
                all.push(format!("p.id {} {}", if larger { ">" } else { "<" }, sql.bind(cursor.id)));
            }
        }
        // Seen from the side that the page is counted from.
        let way = if ascending == query.page.from_end { "DESC" } else { "ASC" };
        let rest = format!("{} ORDER BY p.id {way} LIMIT {}", joined(&all), query.page.size + 1);
        let rows = self.waiting_rows(sql, &rest).await?;
        let fetched = rows.into_iter().map(|row| (row.cursor(query.order), row)).collect();
        Ok(Page::from_fetched(fetched, &query.page, total))
    }

    async fn take_up(
        &self,
        sight: &PendingSight,
        chosen_ones: &Chosen,
        most: u64,
    ) -> Result<(Vec<PendingObservation>, u64)> {
        let mut sql = self.sql();
        let condition = chosen(&mut sql, sight, chosen_ones);
        let ids = format!("SELECT p.community_id FROM pending_observation p WHERE {condition}");
        self.take_communities(sql, &ids).await?;
        let mut sql = self.sql();
        let condition = chosen(&mut sql, sight, chosen_ones);
        let rows = self.waiting_rows(sql, &format!("{condition} ORDER BY p.id LIMIT {most}")).await?;
        if (rows.len() as u64) < most {
            return Ok((rows, 0));
        }
        let mut sql = self.sql();
        let condition = chosen(&mut sql, sight, chosen_ones);
        let all = self.count_waiting(sql, &condition).await?;
        Ok((rows, all.saturating_sub(most)))
    }

    async fn decide(
        &self,
        ids: &[PendingId],
        state: PendingState,
        at: DateTime<Utc>,
        by: &str,
        reason: Option<&str>,
    ) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        let values = [sql.bind(state.code()), sql.bind(at), sql.bind(by), sql.bind(reason.map(str::to_owned))];
        let [state, at, by, reason] = values;
        let ids = sql.ids(ids.iter().map(|id| id.0), "chosen");
        let text = format!(
            "UPDATE pending_observation SET state = {state}, decided_at = {at}, decided_by = {by}, reason = {reason} \
             WHERE id IN (SELECT chosen.id FROM {ids})"
        );
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn remove(&self, ids: &[PendingId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        let ids = sql.ids(ids.iter().map(|id| id.0), "chosen");
        let text = format!("DELETE FROM pending_observation WHERE id IN (SELECT chosen.id FROM {ids})");
        self.run(sql.statement(text)).await.map(drop)
    }
}
