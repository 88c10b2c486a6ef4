//! Deciding what becomes of a figure: pure, so that it can be held against a model.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use domain::{
    error::{Problem, ProblemCode},
    id::SeriesId,
    observation::{Figure, NewObservation, Observation, Outcome, nothing_to_retract},
    period::{Period, PeriodKind},
};

/// Whether a period of this kind can overlap another of the same kind, and must not.
pub(crate) const fn may_reach_into_others(kind: PeriodKind) -> bool {
    !kind.may_overlap() && !kind.is_aligned()
}

/// What is to be done with a figure.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    /// It is written as the first revision.
    Create,
    /// It is written as the revision after this one.
    Supersede(i32),
    /// Nothing is written.
    Leave(Outcome),
}

struct Known<'a> {
    revision: i32,
    figure: Cow<'a, Figure>,
    /// When it was said last: recorded, or said again among those decided here.
    said_at: DateTime<Utc>,
    /// Whether it is a retraction: nothing stands in its period.
    retracted: bool,
}

/// The current figures of some series, and the retractions that stand, as far as new ones can meet them.
pub(crate) struct Decider<'a> {
    at: DateTime<Utc>,
    /// The last day of the periods of each series that are locked.
    locks: &'a HashMap<SeriesId, NaiveDate>,
    known: HashMap<(SeriesId, Period), Known<'a>>,
    /// Start -> end of the current periods of those kinds that could overlap.
    spans: HashMap<(SeriesId, PeriodKind), BTreeMap<NaiveDate, NaiveDate>>,
    /// What the recorder does not know of: nothing that they say is the same, nor are they told which period theirs overlaps.
    unknown: HashSet<(SeriesId, Period)>,
}

impl<'a> Decider<'a> {
    /// For figures recorded at `at`, beside `current` ones.
    pub(crate) fn new(
        at: DateTime<Utc>,
        locks: &'a HashMap<SeriesId, NaiveDate>,
        current: Vec<Observation>,
        unknown: HashSet<(SeriesId, Period)>,
        expected: usize,
    ) -> Self {
        let known = HashMap::with_capacity(current.len() + expected);
        let mut decider = Self { at, locks, known, spans: HashMap::new(), unknown };
        for Observation { series, period, revision, figure, recorded_at, cause, .. } in current {
            let retracted = cause.retraction.is_some();
            decider.note(
                series,
                period,
                Known { revision, figure: Cow::Owned(figure), said_at: recorded_at, retracted },
            );
        }
        decider
    }

    fn note(&mut self, series: SeriesId, period: Period, known: Known<'a>) {
        if may_reach_into_others(period.kind()) {
            let spans = self.spans.entry((series, period.kind())).or_default();
            if known.retracted {
                // Only its own: where another reaches in by now, that one keeps its place.
                if spans.get(&period.start()) == Some(&period.end()) {
                    spans.remove(&period.start());
                }
            } else {
                spans.insert(period.start(), period.end());
            }
        }
        self.known.insert((series, period), known);
    }

    /// Decides about one figure, and counts it as known from then on.
    pub(crate) fn decide(&mut self, new: &'a NewObservation) -> Decision {
        let retracted = new.cause.retraction.is_some();
        let known = Known { revision: 1, figure: Cow::Borrowed(&new.figure), said_at: self.at, retracted };
        let Some(before) = self.known.get_mut(&(new.series, new.period)) else {
            if retracted {
                return Decision::Leave(Outcome::Rejected(nothing_to_retract(new.period)));
            }
            if let Some(problem) = self.locked(new).or_else(|| self.overlap(new)) {
                return Decision::Leave(Outcome::Rejected(problem));
            }
            self.note(new.series, new.period, known);
            return Decision::Create;
        };
        let same = || !self.unknown.contains(&(new.series, new.period)) && says_the_same(&before.figure, &new.figure);
        if before.retracted == retracted && (retracted || same()) {
            // Whoever says it and something else contradicts himself, now as when it was said for the first time.
            before.said_at = self.at;
            return Decision::Leave(Outcome::Unchanged);
        }
        if before.said_at == self.at {
            return Decision::Leave(Outcome::Rejected(contradiction(new.period)));
        }
        let (revision, was_retracted) = (before.revision, before.retracted);
        if let Some(problem) = self.locked(new) {
            return Decision::Leave(Outcome::Rejected(problem));
        }
        // While nothing stood in its period, another may have come to reach into it.
        if was_retracted && let Some(problem) = self.overlap(new) {
            return Decision::Leave(Outcome::Rejected(problem));
        }
        self.unknown.remove(&(new.series, new.period));
        self.note(new.series, new.period, Known { revision: revision.saturating_add(1), ..known });
        Decision::Supersede(revision)
    }

    /// After a lock nothing changes any more, except with a reason.
    pub(crate) fn locked(&self, new: &NewObservation) -> Option<Problem> {
        let until = self.locks.get(&new.series).filter(|until| new.period.last_day() <= **until)?;
        new.cause.restatement.is_none().then(|| {
            let message = format!(
                "{} is locked, as are all periods that end by {until}: a steward may restate its figures, with a reason",
                new.period
            );
            Problem::new("period", ProblemCode::Locked, message)
        })
    }

    fn overlap(&self, new: &NewObservation) -> Option<Problem> {
        let period = new.period;
        let spans = self.spans.get(&(new.series, period.kind()))?;
        // Those known are apart from each other, so only the last one that begins before the end can reach in.
        let (start, end) = spans.range(..period.end()).next_back()?;
        (*end > period.start()).then(|| {
            let other = Period::from_parts(period.kind(), *start, *end);
            let message = if other.is_ok_and(|other| self.unknown.contains(&(new.series, other))) {
                format!("{period} overlaps another period of the same series")
            } else {
                format!("{period} overlaps the period from {start} to {end} of the same series")
            };
            Problem::new("period", ProblemCode::Overlap, message)
        })
    }
}

/// Why a figure is refused that contradicts another of the same moment.
pub(crate) fn contradiction(period: Period) -> Problem {
    let message = format!("another figure for {period} was recorded at the same time and says something else");
    Problem::new("period", ProblemCode::Conflict, message)
}

/// Whether two figures say the same. Databases keep whole microseconds.
pub(crate) fn says_the_same(kept: &Figure, new: &Figure) -> bool {
    let embargo = |figure: &Figure| figure.embargo_until.map(|until| until.trunc_subsecs(6));
    kept.value == new.value
        && kept.status == new.status
        && kept.confidentiality == new.confidentiality
        && kept.numerator == new.numerator
        && kept.denominator == new.denominator
        && kept.lower == new.lower
        && kept.upper == new.upper
        && embargo(kept) == embargo(new)
        && kept.note == new.note
        && kept.external_id == new.external_id
}
