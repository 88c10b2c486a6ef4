//! Receiving figures in bulk: what becomes of each is decided as if it were recorded, and what would be is written to wait.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};
use domain::{
    Error, Result,
    error::Problem,
    id::SeriesId,
    observation::{Figure, NewObservation, Observation, Outcome, opened_by_a_program},
    pending::{PendingId, PendingObservation, Receipt, Replaced, Sender, Submission},
    period::Period,
    port::figures::Recorder,
    revision::{Cause, Restatement},
    series::Series,
};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::COLUMNS;
use crate::{
    figures::{
        decide::{Decider, Decision, contradiction, says_the_same},
        period_lock,
        record::{current, inherited, not_known, unknown},
        series,
    },
    repo::Repos,
    row::Row,
    sql::Sql,
};

/// How many figures are read and decided together.
const CHUNK: usize = 5_000;
/// How many are written by one statement. Few sizes, so that few texts are ever prepared.
const WRITTEN: [usize; 4] = [500, 50, 5, 1];

/// What waits in one place.
struct Waiting {
    id: PendingId,
    figure: Figure,
    by: String,
    inherits: bool,
    restatement: Option<Restatement>,
}

impl Waiting {
    /// Whether a figure says the same, as far as the sender may know.
    fn is_said_again_by(&self, row: &Submission, sender: Sender<'_>) -> bool {
        sender.sight.covers(row.series.community, &self.by)
            && (self.inherits, &self.restatement) == (row.inherits, &row.restatement)
            && says_the_same(&self.figure, &row.figure)
    }
}

/// A figure of a series that may not be there yet.
type Key<'a> = (&'a Series, Period);

/// The last revisions of periods.
type Last = HashMap<(SeriesId, Period), Observation>;

/// See [`domain::port::pending::PendingFigures::receive`].
pub(super) async fn receive<C: ConnectionTrait + Send + Sync>(
    repos: &Repos<C>,
    figures: &[Submission],
    at: DateTime<Utc>,
    sender: Sender<'_>,
) -> Result<Vec<Receipt>> {
    let mut sql = repos.sql();
    let communities: HashSet<_> = figures.iter().map(|figure| figure.series.community).collect();
    let ids = sql.ids(communities, "whose");
    repos.take_communities(sql, &format!("SELECT whose.id FROM {ids}")).await?;
    let mut receipts = Vec::with_capacity(figures.len());
    for chunk in figures.chunks(CHUNK) {
        receive_chunk(repos, chunk, at, sender, &mut receipts).await?;
    }
    Ok(receipts)
}

async fn receive_chunk<C: ConnectionTrait + Send + Sync>(
    repos: &Repos<C>,
    chunk: &[Submission],
    at: DateTime<Utc>,
    sender: Sender<'_>,
    receipts: &mut Vec<Receipt>,
) -> Result<()> {
    let series = distinct(chunk);
    let waiting = waiting(repos, &series, chunk).await?;
    let locks = period_lock::of_what(&repos.0, &series, at.date_naive()).await?;
    let known = series::find(&repos.0, &series).await?;
    let (as_new, locks) = as_new(chunk, known, locks);
    let published = current(&repos.0, &as_new).await?;
    let as_new = inherited(&published, &as_new);
    let last: Last = published.iter().map(|kept| ((kept.series, kept.period), kept.clone())).collect();
    let by = Recorder { name: sender.name, reader: sender.reader };
    let unknown = unknown(&repos.0, by, at, &published, &as_new).await?;
    let unread = unread(&repos.0, by, at, chunk, &as_new, &last).await?;
    let mut decider = Decider::new(at, &locks, published, unknown, chunk.len());
    let mut sent: HashMap<Key<'_>, &NewObservation> = HashMap::with_capacity(chunk.len());
    let mut written = Vec::new();
    for (row, new) in chunk.iter().zip(&*as_new) {
        let key: Key<'_> = (&row.series, row.period);
        let waits = waiting.get(&key);
        let left = |outcome, id| Receipt { outcome, id, replaced: None, published: None };
        let last = last.get(&(new.series, new.period));
        if let Some(before) = sent.get(&key) {
            let same = says_the_same(&before.figure, &new.figure);
            receipts
                .push(left(if same { Outcome::Unchanged } else { Outcome::Rejected(contradiction(row.period)) }, None));
            continue;
        }
        receipts.push(if let Some(problem) = opened(row, last, at, unread.contains(&(new.series, new.period))) {
            left(Outcome::Rejected(problem), None)
        } else if let Some(waits) = waits.filter(|waits| waits.is_said_again_by(row, sender)) {
            sent.insert(key, new);
            left(Outcome::Unchanged, Some(waits.id))
        } else {
            match decider.decide(new) {
                Decision::Leave(Outcome::Rejected(problem)) => left(Outcome::Rejected(problem), None),
                // It is published so while nothing else waits.
                Decision::Leave(_) if waits.is_none() => left(Outcome::Unchanged, None),
                _ => {
                    sent.insert(key, new);
                    written.push(row);
                    let replaced = waits.map(|waits| Replaced { figure: waits.figure.clone(), by: waits.by.clone() });
                    let published = last.filter(|last| last.is_current()).map(|last| last.series);
                    Receipt { outcome: Outcome::Received, id: Some(row.id), replaced, published }
                }
            }
        });
    }
    write(repos, &written, at, sender.name).await
}

/// The figures as they would be recorded, and the locks of their series. A series that is not there has no figures that one could
/// meet, but others of this call: it is given an id for as long.
fn as_new<'a>(
    chunk: &'a [Submission],
    mut known: HashMap<&'a Series, SeriesId>,
    locks: HashMap<&'a Series, NaiveDate>,
) -> (Vec<NewObservation>, HashMap<SeriesId, NaiveDate>) {
    let figures = chunk.iter().map(|row| NewObservation {
        series: *known.entry(&row.series).or_insert_with(|| SeriesId::from(Uuid::now_v7())),
        period: row.period,
        figure: row.figure.clone(),
        inherits: row.inherits,
        smallest_count: None,
        cause: Cause::of(row.restatement.clone()),
    });
    let figures = figures.collect();
    let locks = locks.into_iter().filter_map(|(series, until)| Some((*known.get(series)?, until))).collect();
    (figures, locks)
}

/// Why a figure is refused that a program would open to more readers than the published one. Of one that is `unread` by it, until when
/// it is closed, and to whom, is nobody's business: to say anything of it is to open it.
fn opened(row: &Submission, last: Option<&Observation>, at: DateTime<Utc>, unread: bool) -> Option<Problem> {
    let says = !row.may_open && !row.inherits;
    let opens = says && last.is_some_and(|last| unread || row.figure.is_more_open_than(&last.figure, at));
    opens.then(opened_by_a_program)
}

/// Of which closed figures programs say who may read them, though they do not read them.
async fn unread<C: ConnectionTrait + Send + Sync>(
    db: &C,
    by: Recorder<'_>,
    at: DateTime<Utc>,
    rows: &[Submission],
    figures: &[NewObservation],
    last: &Last,
) -> Result<HashSet<(SeriesId, Period)>> {
    let closed = rows.iter().zip(figures).filter(|(row, _)| !row.may_open && !row.inherits && !row.figure.is_secret());
    let closed = closed.filter_map(|(_, new)| last.get(&(new.series, new.period)));
    let closed: Vec<Observation> = closed.filter(|last| !last.figure.is_public(at)).cloned().collect();
    not_known(db, by, at, closed.iter()).await
}

/// The different series of these figures, in an order of their own.
fn distinct(chunk: &[Submission]) -> Vec<&Series> {
    let mut met = HashSet::new();
    chunk.iter().map(|row| &*row.series).filter(|series| met.insert(*series)).collect()
}

/// What waits already of these series, as far as these figures can meet it.
async fn waiting<'a, C: ConnectionTrait + Send + Sync>(
    repos: &Repos<C>,
    series: &[&'a Series],
    chunk: &[Submission],
) -> Result<HashMap<Key<'a>, Waiting>> {
    let start = chunk.iter().map(|row| row.period.start()).min();
    let end = chunk.iter().map(|row| row.period.end()).max();
    let (Some(start), Some(end)) = (start, end) else { return Ok(HashMap::new()) };
    let mut sql = repos.sql();
    let wanted = series::wanted(&mut sql, series)?;
    let (start, end) = (sql.bind(start), sql.bind(end));
    let same = format!(
        "p.community_id = w.community_id AND p.indicator_version_id = w.indicator_version_id AND p.source_id = w.source_id \
         AND p.disaggregation = w.disaggregation AND p.period_end > {start} AND p.period_start < {end}"
    );
    let text = format!("SELECT w.place, {COLUMNS} FROM {wanted} {}", sql.beside("pending_observation", "p", &same));
    let rows = repos.query(sql.statement(text)).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let mut row = Row::new(row)?;
        let place: i64 = row.take()?;
        let series = usize::try_from(place - 1).ok().and_then(|place| series.get(place));
        let series = *series.ok_or_else(|| Error::internal("what waits was found and not looked for"))?;
        let PendingObservation { id, period, figure, received_by: by, inherits, restatement, .. } =
            super::read(&mut row)?;
        found.insert((series, period), Waiting { id, figure, by, inherits, restatement });
    }
    Ok(found)
}

/// Writes figures to wait, each in the place of the one that waits there.
async fn write<C: ConnectionTrait + Send + Sync>(
    repos: &Repos<C>,
    rows: &[&Submission],
    at: DateTime<Utc>,
    by: &str,
) -> Result<()> {
    let mut rest = rows;
    for size in WRITTEN {
        while let Some((batch, others)) = rest.split_at_checked(size) {
            let mut sql = repos.sql();
            let text = insertion(&mut sql, batch, at, by)?;
            repos.run(sql.statement(text)).await?;
            rest = others;
        }
    }
    Ok(())
}

/// What every row says for itself.
const OWN: [&str; 23] = [
    "id",
    "community_id",
    "indicator_id",
    "indicator_version_id",
    "source_id",
    "disaggregation",
    "period_kind",
    "period_start",
    "period_end",
    "value",
    "numerator",
    "denominator",
    "lower_limit",
    "upper_limit",
    "status",
    "confidentiality",
    "embargo_until",
    "note",
    "external_id",
    "inherits",
    "restatement",
    "has_findings",
    "findings",
];

fn insertion(sql: &mut Sql, rows: &[&Submission], at: DateTime<Utc>, by: &str) -> Result<String> {
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        let parameters = bound(sql, row, at, by)?.join(", ");
        values.push(format!("({parameters}, 'RECEIVED')"));
    }
    let set: Vec<_> =
        OWN.iter().filter(|name| !KEY.contains(*name)).map(|name| format!("{name} = excluded.{name}")).collect();
    Ok(format!(
        "INSERT INTO pending_observation ({own}, received_at, received_by, state) VALUES {values} \
         ON CONFLICT ({key}) DO UPDATE SET {set}, received_at = excluded.received_at, received_by = excluded.received_by, \
         state = excluded.state, decided_at = NULL, decided_by = NULL, reason = NULL",
        own = OWN.join(", "),
        values = values.join(", "),
        key = KEY.join(", "),
        set = set.join(", "),
    ))
}

/// What tells one place from another.
const KEY: [&str; 7] = [
    "community_id",
    "indicator_version_id",
    "source_id",
    "disaggregation",
    "period_end",
    "period_start",
    "period_kind",
];

/// The parameters of a row, in the order of [`OWN`] and of what follows it.
fn bound(sql: &mut Sql, row: &Submission, at: DateTime<Utc>, by: &str) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(OWN.len() + 2);
    let mut push = |value: Value| names.push(sql.next(value));
    let (series, period, figure) = (&*row.series, row.period, &row.figure);
    let ids: [Uuid; 5] = [
        row.id.0,
        series.community.into(),
        series.indicator.into(),
        series.indicator_version.into(),
        series.source.into(),
    ];
    for id in ids {
        push(id.into());
    }
    push(series.disaggregation.to_string().into());
    push(period.kind().code().into());
    push(period.start().into());
    push(period.end().into());
    for number in [figure.value, figure.numerator, figure.denominator, figure.lower, figure.upper] {
        push(number.into());
    }
    push(figure.status.code().into());
    push(figure.confidentiality.code().into());
    push(figure.embargo_until.map(|until| until.trunc_subsecs(6)).into());
    push(figure.note.clone().into());
    push(figure.external_id.clone().into());
    push(row.inherits.into());
    push(row.restatement.as_ref().map(ToString::to_string).into());
    push((!row.findings.is_empty()).into());
    push(serde_json::to_value(&row.findings).map_err(Error::internal)?.into());
    push(at.into());
    push(by.into());
    Ok(names)
}
