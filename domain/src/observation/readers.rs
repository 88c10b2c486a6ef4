//! How far a figure is open, so that one revision can be held against another.

use chrono::{DateTime, Utc};

use super::{Confidentiality, Figure};
use crate::error::{Problem, ProblemCode};

/// What stands against a program that would open a figure to more readers.
pub fn opened_by_a_program() -> Problem {
    let message = "a program does not open a figure to more readers than it has; a steward of the community may";
    Problem::new("confidentiality", ProblemCode::Forbidden, message)
}

impl Figure {
    /// The same, said without a word about who may see it: that stays as it was in the figure `before`, and so does what the giver calls
    /// it, unless it says so.
    pub fn inherit(&mut self, before: &Self) {
        self.confidentiality = before.confidentiality;
        self.embargo_until = before.embargo_until;
        if self.external_id.is_none() {
            self.external_id.clone_from(&before.external_id);
        }
    }

    /// Whether anybody could read more by this figure than by the one `before`, at `now` or at any moment after.
    pub fn is_more_open_than(&self, before: &Self, now: DateTime<Utc>) -> bool {
        let sooner = match (self.opens_at(now), before.opens_at(now)) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(opens), Some(opened)) => opens < opened,
        };
        // Until it opens, people of the community read what is not confidential.
        sooner || (before.is_secret() && !self.is_secret())
    }

    /// The moment from which it is for everybody, not before `now`; nothing if it never is.
    fn opens_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.confidentiality {
            Confidentiality::Free => Some(now),
            Confidentiality::Embargoed => self.embargo_until.map(|until| until.max(now)),
            _ => None,
        }
    }

    /// Whether only those read it who answer for the community's data.
    pub const fn is_secret(&self) -> bool {
        matches!(
            self.confidentiality,
            Confidentiality::Confidential | Confidentiality::SmallCounts | Confidentiality::Secondary
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    /// Whether more is open is what it says if readers are asked at every moment that makes a difference.
    #[test]
    fn one_is_more_open_if_somebody_reads_more_at_some_moment() {
        let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let days = |days| now + TimeDelta::days(days);
        let plain = Confidentiality::ALL.iter().filter(|of| **of != Confidentiality::Embargoed).map(|of| (*of, None));
        let embargoes =
            [None, Some(-1), Some(0), Some(1), Some(2)].map(|end| (Confidentiality::Embargoed, end.map(days)));
        let all: Vec<Figure> = plain
            .chain(embargoes)
            .map(|(confidentiality, embargo_until)| Figure { confidentiality, embargo_until, ..Figure::of(1.0) })
            .collect();
        // 2 for everybody, 1 for people of the community, 0 for those who answer for its data.
        let open = |figure: &Figure, at| match figure.confidentiality {
            _ if figure.is_public(at) => 2,
            Confidentiality::Internal | Confidentiality::Embargoed => 1,
            _ => 0,
        };
        for before in &all {
            for after in &all {
                let moments = (0..4).map(days);
                let expected = moments.into_iter().any(|at| open(after, at) > open(before, at));
                assert_eq!(after.is_more_open_than(before, now), expected, "{after:?} after {before:?}");
            }
        }
    }
}
