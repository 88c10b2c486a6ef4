//! Retracting figures: each is withdrawn by a further revision that says why, and nothing of what was known is lost.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    Services, Session,
    delivery::NOT_WITHDRAWN,
    push::named,
    session::{HAS_LEFT, NO_STEWARD},
};
use crate::{
    access::{Actor, Needs},
    error::{Error, Problem, ProblemCode, Result},
    id::{CommunityId, IndicatorId, SeriesId},
    observation::{NewObservation, Observation, Outcome},
    period::Period,
    push::{PushMode, Rejection},
    record::Stored,
    revision::{Cause, MOST_RETRACTED, Restatement, RetractionReason, check_note},
    series::Series,
};

/// Completes “sign in to …” and “you may not …”.
const WHAT: &str = "retract figures";

/// A figure to retract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retracting {
    /// Its series.
    pub series: SeriesId,
    /// Its period.
    pub period: Period,
    /// The revision that was seen: it must be the current one. Any is, without it.
    pub revision: Option<i32>,
}

/// Figures to retract.
#[derive(Debug, Clone, PartialEq)]
pub struct Retraction {
    /// Which, in their order; those that could not be read, with why.
    pub figures: Vec<std::result::Result<Retracting, Problem>>,
    /// Why.
    pub reason: RetractionReason,
    /// More about it.
    pub note: Option<String>,
    /// Why it takes back figures of locked periods, if it does.
    pub restatement: Option<Restatement>,
    /// What becomes of it if some are refused.
    pub mode: PushMode,
}

/// What became of figures to retract.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retracted {
    /// How many are retracted.
    pub retracted: u64,
    /// How many were retracted before.
    pub unchanged: u64,
    /// Those that were refused, by their place.
    pub rejections: Vec<Rejection>,
    /// Whether it is kept.
    pub kept: bool,
}

/// A figure to retract that the actor may retract.
struct Ready {
    place: usize,
    figure: Retracting,
    /// Whose, and by which indicator.
    of: (CommunityId, IndicatorId),
}

impl Services {
    /// Retracts figures, and says what became of each that was refused.
    ///
    /// # Errors
    /// [`Error::Validation`] for none or more than [`MOST_RETRACTED`] figures, and for a note that breaks a rule.
    pub async fn retract(&self, actor: &Actor, retraction: &Retraction) -> Result<Retracted> {
        if retraction.figures.is_empty() || retraction.figures.len() > MOST_RETRACTED {
            let message = format!("name 1 to {MOST_RETRACTED} figures");
            return Err(Error::invalid("", ProblemCode::OutOfRange, message));
        }
        check_note("note", retraction.note.as_deref(), retraction.reason == RetractionReason::Other)?;
        if let Some(restatement) = &retraction.restatement {
            restatement.check()?;
        }
        let mut session = self.session(actor, WHAT).await?;
        let mut retracted = Box::pin(session.retract(retraction, self.clock.today())).await?;
        retracted.rejections.sort_by_key(|rejection| rejection.row);
        retracted.kept = retraction.mode == PushMode::BestEffort || retracted.rejections.is_empty();
        let refused = session.refused().take();
        if retracted.kept {
            session.commit().await?;
        } else {
            drop(session);
        }
        self.record_entries(&named(refused, WHAT)).await?;
        self.note_missing(actor, WHAT, &retracted.rejections).await;
        Ok(retracted)
    }
}

impl Session {
    async fn retract(&mut self, retraction: &Retraction, today: chrono::NaiveDate) -> Result<Retracted> {
        let mut answer = Retracted::default();
        let ready = self.retractable(retraction, today, &mut answer.rejections).await?;
        let new: Vec<_> = ready.iter().map(|ready| new_retraction(ready.figure, retraction)).collect();
        let of: Vec<_> = ready.iter().map(|ready| ready.of).collect();
        if new.is_empty() {
            return Ok(answer);
        }
        for (ready, outcome) in ready.iter().zip(self.record(&new, &of).await?) {
            match outcome {
                Outcome::Created | Outcome::Updated => answer.retracted += 1,
                // Nothing that is recorded waits.
                Outcome::Unchanged | Outcome::Received => answer.unchanged += 1,
                Outcome::Rejected(problem) => answer.rejections.push(Rejection::new(ready.place, problem)),
            }
        }
        Ok(answer)
    }

    /// Those of the figures that there are, and that the actor may retract.
    async fn retractable(
        &self,
        retraction: &Retraction,
        today: chrono::NaiveDate,
        rejections: &mut Vec<Rejection>,
    ) -> Result<Vec<Ready>> {
        let asked = || retraction.figures.iter().flatten();
        let ids: BTreeSet<SeriesId> = asked().map(|figure| figure.series).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let found = self.repositories().series().get(&self.reader(), &ids).await?;
        let series: HashMap<_, _> = found.into_iter().map(|series| (series.id, series)).collect();
        let communities: HashSet<CommunityId> = series.values().map(|series| series.community).collect();
        let departed = self.repositories().ingest().departed(&communities, today).await?;
        let there = asked().filter(|figure| series.contains_key(&figure.series));
        let last = self.last_revisions(&there.map(|figure| (figure.series, figure.period)).collect::<Vec<_>>()).await?;
        let mut ready = Vec::with_capacity(retraction.figures.len());
        for (place, figure) in retraction.figures.iter().enumerate() {
            let allowed = figure.clone().and_then(|figure| {
                let series = series.get(&figure.series).ok_or_else(no_such_series)?;
                self.allow(series, retraction.restatement.is_some())?;
                if departed.contains(&series.community) {
                    return Err(Problem::new("", ProblemCode::Conflict, HAS_LEFT));
                }
                check_seen(figure, &last)?;
                Ok(Ready { place, figure, of: (series.community, series.indicator) })
            });
            match allowed {
                Ok(allowed) => ready.push(allowed),
                Err(problem) => rejections.push(Rejection::new(place, problem)),
            }
        }
        let restates = retraction.restatement.is_some();
        let forbidden = series.values().filter(|series| self.allow(series, restates).is_err());
        let of: BTreeSet<CommunityId> = forbidden.map(|series| series.community).collect();
        for community in of {
            self.refuse_figures_of(community);
        }
        Ok(ready)
    }

    /// Whether the actor may withdraw figures of the series: whose own figures wait until a steward publishes them does not, since what
    /// a steward has published would be gone without one.
    fn allow(&self, series: &Stored<Series>, restates: bool) -> std::result::Result<(), Problem> {
        if !Needs::to_publish(series.community, Some(series.indicator)).met_by(self.actor(), self.now()) {
            let message = if self.may_record(series.community, series.indicator) {
                NOT_WITHDRAWN
            } else {
                "you may not retract figures of this community by this indicator"
            };
            return Err(Problem::new("", ProblemCode::Forbidden, message));
        }
        if restates && !self.may_restate(series.community) {
            return Err(Problem::new("", ProblemCode::Forbidden, NO_STEWARD));
        }
        Ok(())
    }
}

fn no_such_series() -> Problem {
    Problem::new("series", ProblemCode::NotFound, "there is no such series")
}

/// Refuses to retract another revision than the one that was seen.
fn check_seen(figure: Retracting, last: &HashMap<(SeriesId, Period), Observation>) -> std::result::Result<(), Problem> {
    let Some(seen) = figure.revision else { return Ok(()) };
    match last.get(&(figure.series, figure.period)) {
        // The retraction of the revision that was seen.
        Some(last) if last.cause.retraction.is_some() && last.revision == seen.saturating_add(1) => Ok(()),
        Some(last) if last.revision == seen => Ok(()),
        Some(last) => {
            let message = format!("revision {seen} is not the last any more: that is {}", last.revision);
            Err(Problem::new("id", ProblemCode::StaleVersion, message))
        }
        None => Err(Problem::new("id", ProblemCode::NotFound, "there is no such figure")),
    }
}

fn new_retraction(figure: Retracting, Retraction { reason, note, restatement, .. }: &Retraction) -> NewObservation {
    let cause = Cause { retraction: Some(*reason), ..Cause::of(restatement.clone()) };
    NewObservation::retraction(figure.series, figure.period, note.clone(), cause)
}
