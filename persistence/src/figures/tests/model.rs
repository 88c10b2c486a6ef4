//! A plain model of figures: everything in one list, everything by looking at all of it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::{
    access::Scope,
    error::ProblemCode,
    id::SeriesId,
    observation::{Confidentiality, Figure, NewObservation, Observation, ObservationStatus, Outcome},
    period::Period,
};

#[derive(Default)]
pub(super) struct Model {
    pub(super) revisions: Vec<Observation>,
    /// The series whose figures the public may not read.
    pub(super) withheld: Vec<SeriesId>,
    /// What was said again in the call that is going on.
    pub(super) said_again: HashSet<(SeriesId, Period)>,
}

/// What became of a figure, without the words for people.
#[derive(Debug, PartialEq)]
pub(super) enum Became {
    Created,
    Updated,
    Unchanged,
    Rejected(ProblemCode),
}

pub(super) fn became(outcome: &Outcome) -> Became {
    match outcome {
        Outcome::Created => Became::Created,
        Outcome::Updated => Became::Updated,
        Outcome::Unchanged => Became::Unchanged,
        Outcome::Rejected(problem) => Became::Rejected(problem.code),
        Outcome::Received => panic!("nothing that is recorded waits"),
    }
}

impl Model {
    pub(super) fn current(&self) -> impl Iterator<Item = &Observation> {
        self.revisions.iter().filter(|revision| revision.is_current())
    }

    pub(super) fn record(&mut self, new: &NewObservation, at: DateTime<Utc>, by: &str) -> Became {
        let clashes = self.current().any(|other| {
            other.series == new.series
                && other.period.kind() == new.period.kind()
                && !new.period.kind().may_overlap()
                && other.period != new.period
                && other.period.start() < new.period.end()
                && new.period.start() < other.period.end()
        });
        let before = self.revisions.iter().position(|revision| {
            revision.superseded_at.is_none() && revision.series == new.series && revision.period == new.period
        });
        let retracts = new.cause.retraction.is_some();
        let (mut revision, mut figure) = (1, new.figure.clone());
        if let Some(place) = before {
            let before = &mut self.revisions[place];
            let retracted = before.cause.retraction.is_some();
            if retracted == retracts && (retracts || before.figure == new.figure) {
                self.said_again.insert((new.series, new.period));
                return Became::Unchanged;
            }
            if before.recorded_at == at || self.said_again.contains(&(new.series, new.period)) {
                return Became::Rejected(ProblemCode::Conflict);
            }
            if retracted && clashes {
                return Became::Rejected(ProblemCode::Overlap);
            }
            before.superseded_at = Some(at);
            revision = before.revision + 1;
            if retracts {
                figure = Figure {
                    confidentiality: before.figure.confidentiality,
                    embargo_until: before.figure.embargo_until,
                    external_id: before.figure.external_id.clone(),
                    ..figure
                };
            }
        } else if retracts {
            return Became::Rejected(ProblemCode::NotFound);
        } else if clashes {
            return Became::Rejected(ProblemCode::Overlap);
        }
        self.revisions.push(Observation {
            series: new.series,
            period: new.period,
            revision,
            figure,
            recorded_at: at,
            recorded_by: by.to_owned(),
            superseded_at: None,
            cause: new.cause.clone(),
        });
        if before.is_some() { Became::Updated } else { Became::Created }
    }

    fn in_sight(&self, scope: &Scope, series: SeriesId, figure: &Figure, now: DateTime<Utc>) -> bool {
        scope == &Scope::Everything || (figure.is_public(now) && !self.withheld.contains(&series))
    }

    pub(super) fn visible(&self, scope: &Scope, now: DateTime<Utc>) -> Vec<Observation> {
        let mut visible: Vec<_> =
            self.current().filter(|found| self.in_sight(scope, found.series, &found.figure, now)).cloned().collect();
        visible.sort_by_key(|found| (found.series, found.period));
        visible
    }

    pub(super) fn latest(&self, scope: &Scope, series: SeriesId, now: DateTime<Utc>) -> Option<Observation> {
        let newest = |found: &Observation| {
            found.series == series && found.figure.value.is_some() && found.figure.status != ObservationStatus::Forecast
        };
        self.visible(scope, now).into_iter().filter(newest).max_by_key(|found| found.period)
    }

    /// Every revision of a period in sight: public at a time when it was current, and not withdrawn since.
    pub(super) fn history(
        &self,
        scope: &Scope,
        series: SeriesId,
        period: Period,
        now: DateTime<Utc>,
    ) -> Vec<Observation> {
        let last =
            |found: &&Observation| found.superseded_at.is_none() && found.series == series && found.period == period;
        let shown = self.revisions.iter().filter(last).any(|last| self.in_sight(scope, series, &last.figure, now));
        // A retraction is public if what it withdrew was.
        let end = |found: &Observation| match found.cause.retraction {
            Some(_) => Some(found.recorded_at),
            None => found.superseded_at,
        };
        let was_public = |found: &&Observation| match (scope, found.figure.confidentiality, end(found)) {
            (&Scope::Everything, _, _) | (_, Confidentiality::Free, _) => true,
            (_, Confidentiality::Embargoed, until) => {
                let end = found.figure.embargo_until.unwrap();
                end <= now && until.is_none_or(|until| end < until)
            }
            _ => false,
        };
        let of_period = |found: &&Observation| found.series == series && found.period == period;
        let mut found: Vec<_> =
            self.revisions.iter().filter(|_| shown).filter(of_period).filter(was_public).cloned().collect();
        found.sort_by_key(|found| found.revision);
        found
    }

    /// The current figure of a series for a period, or its newest; its baseline; whether it broke since.
    pub(super) fn candidate(
        &self,
        scope: &Scope,
        series: SeriesId,
        period: Option<Period>,
        baseline: Option<Period>,
        now: DateTime<Utc>,
    ) -> Option<(Observation, Option<Observation>, bool)> {
        let visible = self.visible(scope, now);
        let find =
            |period: Period| visible.iter().find(|found| found.series == series && found.period == period).cloned();
        let current = period.map_or_else(|| self.latest(scope, series, now), find)?;
        let baseline = baseline.and_then(find).filter(|found| found.figure.value.is_some());
        let broken = baseline.as_ref().is_some_and(|baseline| {
            // Also one that the reader does not see.
            self.visible(&Scope::Everything, now).iter().any(|found| {
                found.series == series
                    && found.figure.status == ObservationStatus::SeriesBreak
                    && found.period.end() > baseline.period.end()
                    && found.period.end() <= current.period.end()
            })
        });
        Some((current, baseline, broken))
    }
}
