//! Which of a community's series answers for it, and what the comparison refers to.

use std::{cmp::Reverse, collections::HashMap};

use super::{Candidate, Input, number::most_common};
use crate::{
    id::{IndicatorVersionId, SourceId},
    indicator::IndicatorVersion,
    observation::Figure,
    period::Period,
};

/// What every figure is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference<'a> {
    /// The version compared.
    pub version: &'a IndicatorVersion,
    /// Its id.
    pub version_id: IndicatorVersionId,
    /// The period compared: the one asked for, or that of most communities' figures; of several, the latest.
    pub period: Option<Period>,
    /// The source that most communities have for that period; of several, the one with the smallest id.
    pub source: Option<SourceId>,
}

/// The value of a figure, where it has one that can be computed with. A suppressed or missing figure has none, and none is
/// never zero. A negative zero is zero.
pub(super) fn value(figure: &Figure) -> Option<f64> {
    figure.value.filter(|value| value.is_finite()).map(|value| value + 0.0)
}

/// Chooses what answers for each member, in the order of the members: of the version compared before any other, with a
/// value for the period compared before any other, from the reference source before any other, then the newest period, then the
/// smallest series id.
pub(super) fn choose<'a>(
    input: &'a Input,
    version: &'a IndicatorVersion,
) -> (Reference<'a>, Vec<Option<&'a Candidate>>) {
    let places: HashMap<_, _> =
        input.members.iter().enumerate().map(|(place, member)| (member.community, place)).collect();
    let offers: Vec<(usize, &Candidate)> = input
        .candidates
        .iter()
        .filter_map(|candidate| Some((*places.get(&candidate.series.community)?, candidate)))
        .collect();
    let reference = refer(input, version, &offers);
    let preference = |candidate: &Candidate| {
        (
            candidate.series.indicator_version == input.version,
            reference.period == Some(candidate.current.period) && value(&candidate.current.figure).is_some(),
            Some(candidate.series.source) == reference.source,
            candidate.current.period,
            Reverse(candidate.series_id),
        )
    };
    let mut chosen: Vec<Option<&Candidate>> = vec![None; input.members.len()];
    for (place, candidate) in offers {
        if let Some(best) = chosen.get_mut(place)
            && best.is_none_or(|best| preference(candidate) > preference(best))
        {
            *best = Some(candidate);
        }
    }
    (reference, chosen)
}

/// Only figures with a value, by the version compared, say what the reference is.
fn refer<'a>(input: &Input, version: &'a IndicatorVersion, offers: &[(usize, &Candidate)]) -> Reference<'a> {
    let reporting: Vec<_> = offers
        .iter()
        .filter(|(_, candidate)| {
            candidate.series.indicator_version == input.version && value(&candidate.current.figure).is_some()
        })
        .map(|(place, candidate)| (*place, candidate.current.period, candidate.series.source))
        .collect();
    let (period, source) = most_reported(input.period, &reporting);
    Reference { version, version_id: input.version, period, source }
}

/// The period of most communities' figures, if none is asked for (of several, the latest), and the source that most have for
/// it (of several, the one with the smallest id).
pub(super) fn most_reported<C: Ord + Copy>(
    asked: Option<Period>,
    reporting: &[(C, Period, SourceId)],
) -> (Option<Period>, Option<SourceId>) {
    let most = |pairs: Vec<(C, Reverse<Period>)>| most_common(once_each(pairs)).map(|Reverse(period)| period);
    let period = asked.or_else(|| most(reporting.iter().map(|&(who, period, _)| (who, Reverse(period))).collect()));
    let of_the_period = reporting.iter().filter(|found| Some(found.1) == period);
    let source = most_common(once_each(of_the_period.map(|&(who, _, source)| (who, source)).collect()));
    (period, source)
}

/// A community with several series has one voice for each period or source, not one for each series.
fn once_each<C: Ord, T: Ord>(mut pairs: Vec<(C, T)>) -> Vec<T> {
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter().map(|(_, item)| item).collect()
}
