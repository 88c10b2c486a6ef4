//! Pushing figures. One code path for what is kept and for a dry run: a session that is committed, or is not.

mod known;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;

use super::{Delivered, Delivery, Destination, Services, Session, pending::sight};
use crate::{
    access::{Actor, Scope, Who},
    audit::{Action, NewEntry},
    error::{Error, Problem, ProblemCode, Result},
    id::{CommunityId, SeriesId},
    observation::{Figure, Observation, Outcome},
    pending::Replaced,
    period::Period,
    port::ingest::Claim,
    push::{Difference, Doubt, KEY_DAYS, KEY_LENGTH, MOST_ROWS, Push, PushMode, PushRow, Pushed, Rejection},
    revision::{Cause, Restatement},
    series::Series,
};
use known::Ready;

/// Completes “sign in to …” and “you may not …”.
const WHAT: &str = "record figures";

impl Services {
    /// Records many figures, and says what became of each that was refused.
    ///
    /// A push with a key that was kept before is answered as it was then and writes nothing; one of which nothing was kept does not
    /// use up its key.
    ///
    /// # Errors
    /// [`Error::Validation`] for more than [`MOST_ROWS`] rows or a key that is too long; [`Error::Conflict`] for a key that stands
    /// for another push. What is wrong with single rows is in the answer.
    pub async fn push(&self, actor: &Actor, push: Push) -> Result<Pushed> {
        if push.rows.len() > MOST_ROWS {
            let message = format!("{} rows in one push; at most {MOST_ROWS}", push.rows.len());
            return Err(Error::invalid("rows", ProblemCode::OutOfRange, message));
        }
        // What is kept of a push must not depend on figures that its sender does not read, and what is not kept must not tell of them.
        let tried = if self.might_tell_of_others(actor, &push).await? {
            let mut session = self.session(actor, WHAT).await?;
            session.rehearse();
            let tried = Box::pin(session.push(&push, self.clock.today())).await?;
            (!tried.0.rejections.is_empty()).then(|| (tried, session.refused().take()))
        } else {
            None
        };
        let mut session = self.session(actor, WHAT).await?;
        if push.dry_run {
            session.rehearse();
        }
        if let Some(answered) = Box::pin(session.claim(&push)).await? {
            return Ok(answered);
        }
        let ((mut pushed, shown), refused) = match tried {
            Some(tried) => tried,
            None => (Box::pin(session.push(&push, self.clock.today())).await?, session.refused().take()),
        };
        pushed.kept = !push.dry_run && (push.mode == PushMode::BestEffort || pushed.rejections.is_empty());
        if pushed.kept {
            if let Some(key) = &push.key {
                let answer = serde_json::to_string(&pushed).map_err(Error::internal)?;
                let work = session.repositories().ingest();
                work.settle(&actor.name(), &key.key, &answer).await?;
            }
            session.commit().await?;
        } else {
            drop(session);
        }
        // What a dry run shows of figures that are there is read like any other.
        if !shown.is_empty() {
            self.note_reading(actor, "figures, by a dry run", shown).await?;
        }
        let mut refused = named(refused, WHAT);
        if refused.is_empty() && pushed.rejections.iter().any(|rejection| rejection.code == ProblemCode::Forbidden) {
            refused.push(NewEntry::by(actor, self.clock.now(), Action::Denied).detail("open figures to more readers"));
        }
        self.record_entries(&refused).await?;
        self.note_missing(actor, WHAT, &pushed.rejections).await;
        Ok(pushed)
    }
}

impl Services {
    /// Whether a push is kept whole or not at all, by a program, where a data-quality rule refuses figures for others: those that it
    /// does not read are then left to a steward, and the rest of the push might not fit them.
    async fn might_tell_of_others(&self, actor: &Actor, push: &Push) -> Result<bool> {
        let is_whole = push.mode == PushMode::Atomic && !push.dry_run;
        Ok(is_whole && matches!(actor.who, Who::Integration(_)) && self.refuses_for_others().await?)
    }

    /// Records that rows named what is not there for the actor, if some did.
    pub(super) async fn note_missing(&self, actor: &Actor, what: &str, rejections: &[Rejection]) {
        let missing = rejections.iter().filter(|rejection| rejection.code == ProblemCode::NotFound).count();
        if missing > 0 {
            let what = format!("{what}: {missing} rows name something that is not there for them");
            // The other rows are kept: that this is not recorded, which is counted, makes no error of them.
            let _ = self.note_attempt(actor, &what, Vec::new()).await;
        }
    }
}

/// How many communities whose figures were refused the audit log names of one push.
const MOST_NAMED: usize = 100;

/// Entries for what was refused; of very many communities the rest is counted.
pub(super) fn named(mut refused: Vec<NewEntry>, what: &str) -> Vec<NewEntry> {
    let more = refused.len().saturating_sub(MOST_NAMED);
    refused.truncate(MOST_NAMED);
    let detail = format!("{what} of this community");
    let mut entries: Vec<_> = refused.into_iter().map(|entry| entry.detail(&detail)).collect();
    if let Some(last) = entries.last_mut().filter(|_| more > 0) {
        *last = last.clone().detail(&format!("{detail} and of {more} more"));
    }
    entries
}

impl<'a> Ready<'a> {
    /// Which figure it is, if there is the series.
    fn key(&self, series: Option<SeriesId>) -> Option<Key> {
        Some((series?, self.row.period))
    }

    fn delivery(&self, to: &'a Destination, restatement: Option<&Restatement>) -> Delivery<'a> {
        let PushRow { period, ref figure, inherits, .. } = *self.row;
        let cause = Cause::of(restatement.cloned());
        Delivery { to, definition: self.definition, period, figure: figure.clone(), inherits, cause }
    }
}

/// Which figure it is.
type Key = (SeriesId, Period);

/// What a figure would take the place of.
#[derive(Clone)]
enum Before {
    /// As it is.
    Shown(Figure),
    /// Something that the actor may not read: what they are told of the change is what they said themselves.
    Hidden,
}

impl Before {
    fn shown(self) -> Option<Figure> {
        match self {
            Self::Shown(figure) => Some(figure),
            Self::Hidden => None,
        }
    }
}

impl Session {
    /// What was answered to this push before, if it was; otherwise its key is taken.
    async fn claim(&self, push: &Push) -> Result<Option<Pushed>> {
        // A dry run keeps nothing, its key neither.
        let Some(key) = push.key.as_ref().filter(|_| !push.dry_run) else { return Ok(None) };
        if key.key.is_empty() || key.key.chars().count() > KEY_LENGTH {
            let message = format!("a key has 1 to {KEY_LENGTH} characters");
            return Err(Error::invalid("idempotencyKey", ProblemCode::Invalid, message));
        }
        let since = self.now() - TimeDelta::days(KEY_DAYS);
        let ingest = self.repositories().ingest();
        match ingest.claim(&self.actor().name(), &key.key, &key.digest, self.now(), since).await? {
            Claim::New => Ok(None),
            Claim::Same(answer) => {
                let answer: Pushed = serde_json::from_str(&answer).map_err(Error::internal)?;
                Ok(Some(Pushed { repeated: true, ..answer }))
            }
            Claim::Other => {
                let message = "the key stands for another push; give every push a key of its own";
                Err(Error::Conflict(Problem::new("idempotencyKey", ProblemCode::Conflict, message)))
            }
        }
    }

    /// Records what can be recorded of a push; answers also the communities of which a dry run shows figures.
    async fn push(&mut self, push: &Push, today: chrono::NaiveDate) -> Result<(Pushed, BTreeSet<CommunityId>)> {
        let mut pushed = Pushed::default();
        if let Some(restatement) = &push.restatement {
            restatement.check()?;
        }
        let known = self.known(push, today).await?;
        let mut ready = Vec::with_capacity(push.rows.len());
        for (place, row) in push.rows.iter().enumerate() {
            let row = row.as_ref().map_err(Clone::clone);
            match row.and_then(|row| known.place(place, row, today)) {
                Ok(row) => ready.push(row),
                Err(problem) => pushed.rejections.push(Rejection::new(place, problem)),
            }
        }
        let shown = self.write(&ready, push, &mut pushed).await?;
        pushed.rejections.sort_by_key(|rejection| rejection.row);
        Ok((pushed, shown))
    }

    /// Delivers the rows; answers whose figures a dry run shows.
    async fn write(&mut self, ready: &[Ready<'_>], push: &Push, pushed: &mut Pushed) -> Result<BTreeSet<CommunityId>> {
        let series: Vec<Series> = ready.iter().map(|row| row.series.clone()).collect();
        let destinations = self.destinations(series, push.submit).await?;
        let rows = || ready.iter().zip(&destinations);
        let keys = || -> Vec<Key> {
            if push.dry_run { rows().filter_map(|(row, to)| row.key(to.series_id())).collect() } else { Vec::new() }
        };
        let mut before = self.before(&keys()).await?;
        let restatement = push.restatement.as_ref();
        let delivered = self.deliver(rows().map(|(row, to)| row.delivery(to, restatement)).collect()).await?;
        let after = self.current_of(&Scope::Everything, &keys()).await?;
        if push.dry_run {
            let waiting = ready.iter().zip(&delivered).filter_map(|(row, delivered)| row.key(delivered.published));
            before.extend(self.before(&waiting.collect::<Vec<_>>()).await?);
        }
        let mut shown = BTreeSet::new();
        for ((row, to), delivered) in rows().zip(delivered) {
            let number = u32::try_from(row.place).unwrap_or(u32::MAX);
            let findings = delivered.findings.iter().cloned();
            pushed.doubts.extend(findings.map(|finding| Doubt { row: number, finding }));
            match &delivered.outcome {
                Outcome::Unchanged => pushed.unchanged += 1,
                Outcome::Rejected(problem) => pushed.rejections.push(Rejection::new(row.place, problem.clone())),
                Outcome::Received => pushed.received += 1,
                Outcome::Created => pushed.created += 1,
                Outcome::Updated => pushed.updated += 1,
            }
            if push.dry_run && delivered.outcome == Outcome::Unchanged {
                shown.insert(row.series.community);
            }
            if !push.dry_run || matches!(delivered.outcome, Outcome::Unchanged | Outcome::Rejected(_)) {
                continue;
            }
            let (before, after) = match row.key(to.series_id()) {
                Some(key) => {
                    let there = before.get(&key);
                    // What is inherited from a figure that the actor may not read is not told.
                    let whole = !matches!(there, Some(Before::Hidden));
                    let before = there.filter(|_| delivered.outcome == Outcome::Updated).cloned();
                    (before, after.get(&key).filter(|_| whole).unwrap_or(&row.row.figure).clone())
                }
                None => self.would_wait(row, delivered, &before),
            };
            let before = before.and_then(Before::shown);
            if before.is_some() {
                shown.insert(row.series.community);
            }
            pushed.differences.push(Difference { row: number, before, after });
        }
        Ok(shown)
    }

    /// What a row that waits would take the place of, and what it would be once it is published: whoever sends figures in does not
    /// read there what they may not read elsewhere.
    fn would_wait(&self, row: &Ready<'_>, sent: Delivered, before: &HashMap<Key, Before>) -> (Option<Before>, Figure) {
        let published = row.key(sent.published).and_then(|key| before.get(&key)).cloned();
        let mut after = row.row.figure.clone();
        if let Some(Before::Shown(published)) = &published
            && row.row.inherits
        {
            after.inherit(published);
        }
        let Some(replaced) = sent.replaced else { return (published, after) };
        let Replaced { figure, by } = *replaced;
        let seen = sight(self.actor(), &self.reader()).covers(row.series.community, &by);
        (Some(if seen { Before::Shown(figure) } else { Before::Hidden }), after)
    }

    /// What figures of these periods would take the place of.
    async fn before(&self, keys: &[Key]) -> Result<HashMap<Key, Before>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let figures = self.repositories().figures();
        let read = figures.revisions(&self.reader(), keys, self.now()).await?;
        let read: HashSet<_> = read.into_iter().map(|read| (read.series, read.period, read.revision)).collect();
        // Of every period the last comes last; one that was withdrawn is nothing, unless that is hidden.
        let mut before = HashMap::new();
        for last in figures.revisions(&Scope::Everything, keys, self.now()).await? {
            let key = (last.series, last.period);
            if !read.contains(&(last.series, last.period, last.revision)) {
                before.insert(key, Before::Hidden);
            } else if last.is_current() {
                before.insert(key, Before::Shown(last.figure));
            } else {
                before.remove(&key);
            }
        }
        Ok(before)
    }

    /// The current figures of these periods that the reader sees, as they are within the session.
    async fn current_of(&self, scope: &Scope, keys: &[Key]) -> Result<HashMap<Key, Figure>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let revisions = self.repositories().figures().revisions(scope, keys, self.now()).await?;
        let current = revisions.into_iter().filter(Observation::is_current);
        Ok(current.map(|revision| ((revision.series, revision.period), revision.figure)).collect())
    }
}
