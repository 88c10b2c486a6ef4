//! Deciding what becomes of a figure: pure, so that it can be held against a model.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use domain::{
    error::{Problem, ProblemCode},
    id::SeriesId,
    observation::{Figure, NewObservation, Observation, Outcome},
    period::{Period, PeriodKind},
};

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
    recorded_at: DateTime<Utc>,
}

/// The current figures of some series, as far as new ones can meet them.
pub(crate) struct Decider<'a> {
    at: DateTime<Utc>,
    known: HashMap<(SeriesId, Period), Known<'a>>,
    /// Start -> end of the current periods of those kinds that could overlap.
    spans: HashMap<(SeriesId, PeriodKind), BTreeMap<NaiveDate, NaiveDate>>,
}

impl<'a> Decider<'a> {
    /// For figures recorded at `at`, beside `current` ones.
    pub(crate) fn new(at: DateTime<Utc>, current: Vec<Observation>, expected: usize) -> Self {
        let mut decider = Self { at, known: HashMap::with_capacity(current.len() + expected), spans: HashMap::new() };
        for Observation { series, period, revision, figure, recorded_at, .. } in current {
            decider.note(series, period, Known { revision, figure: Cow::Owned(figure), recorded_at });
        }
        decider
    }

    fn note(&mut self, series: SeriesId, period: Period, known: Known<'a>) {
        if !period.kind().may_overlap() && !period.kind().is_aligned() {
            self.spans.entry((series, period.kind())).or_default().insert(period.start(), period.end());
        }
        self.known.insert((series, period), known);
    }

    /// Decides about one figure, and counts it as known from then on.
    pub(crate) fn decide(&mut self, new: &'a NewObservation) -> Decision {
        let known = Known { revision: 1, figure: Cow::Borrowed(&new.figure), recorded_at: self.at };
        let Some(before) = self.known.get(&(new.series, new.period)) else {
            if let Some(problem) = self.overlap(new) {
                return Decision::Leave(Outcome::Rejected(problem));
            }
            self.note(new.series, new.period, known);
            return Decision::Create;
        };
        if says_the_same(&before.figure, &new.figure) {
            return Decision::Leave(Outcome::Unchanged);
        }
        if before.recorded_at == self.at {
            let message =
                format!("another figure for {} was recorded at the same time and says something else", new.period);
            return Decision::Leave(Outcome::Rejected(Problem::new("period", ProblemCode::Conflict, message)));
        }
        let revision = before.revision;
        self.known.insert((new.series, new.period), Known { revision: revision.saturating_add(1), ..known });
        Decision::Supersede(revision)
    }

    fn overlap(&self, new: &NewObservation) -> Option<Problem> {
        let period = new.period;
        let spans = self.spans.get(&(new.series, period.kind()))?;
        // Those known are apart from each other, so only the last one that begins before the end can reach in.
        let (start, end) = spans.range(..period.end()).next_back()?;
        (*end > period.start()).then(|| {
            let message = format!("{period} overlaps the period from {start} to {end} of the same series");
            Problem::new("period", ProblemCode::Overlap, message)
        })
    }
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
