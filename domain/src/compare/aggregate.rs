//! The network as a whole: coverage and the fixed cohort's change.

use super::{
    Cell, CohortChange, Coverage, Entry,
    choose::Reference,
    number::{count, most_common, places},
    spread::{ascending, quartile},
};
use crate::port::figures::Member;

/// Below this many communities there is no figure of several.
pub(super) const SEVERAL: usize = 2;

/// Who was to be compared and who is: communities, and persons by their newest estimates. `members` and `entries` are in one
/// order.
pub(super) fn coverage(members: &[Member], entries: &[Entry]) -> Coverage {
    let reporting =
        || members.iter().zip(entries).filter(|(_, entry)| compared(entry).is_some()).map(|(member, _)| member);
    Coverage {
        expected: count(members.len()),
        reporting: count(reporting().count()),
        population_expected: persons(members.iter()),
        population_reporting: persons(reporting()),
    }
}

/// A part of the persons would be read as all of them: one missing estimate, or no community at all, gives nothing.
fn persons<'a>(members: impl Iterator<Item = &'a Member>) -> Option<i64> {
    let mut sum = None;
    for member in members {
        sum = Some(sum.unwrap_or(0_i64).checked_add(member.population?)?);
    }
    sum
}

/// The cell of an entry, if its value is compared.
pub(super) fn compared(entry: &Entry) -> Option<&Cell> {
    entry.cell.as_ref().filter(|cell| cell.compared)
}

/// The median change of the fixed cohort: those compared whose change is counted from the same period, the most common one;
/// of several, the earliest. Communities that joined later or start elsewhere do not enter, so that nobody's coming or going
/// looks like change.
pub(super) fn cohort_change(entries: &[Entry], reference: &Reference) -> Option<CohortChange> {
    let changes = || {
        entries
            .iter()
            .filter_map(compared)
            .filter_map(|cell| Some((cell.baseline.as_ref()?.period, cell.change?, cell.improvement)))
    };
    let from = most_common(changes().map(|(from, ..)| from).collect())?;
    let cohort = || changes().filter(|change| change.0 == from);
    let sorted = ascending(cohort().map(|(_, change, _)| change));
    if sorted.len() < SEVERAL {
        return None;
    }
    let how_many = |side: fn(f64) -> bool| {
        let directed = reference.version.polarity.sign().is_some();
        directed.then(|| count(cohort().filter(|(.., improvement)| improvement.is_some_and(side)).count()))
    };
    Some(CohortChange {
        communities: count(sorted.len()),
        from,
        to: reference.period?,
        median_change: quartile(&sorted, 2, places(reference.version))?,
        improved: how_many(|improvement| improvement > 0.0),
        worsened: how_many(|improvement| improvement < 0.0),
    })
}
