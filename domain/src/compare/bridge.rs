//! Change over a change of definition: from a figure by an earlier version, where a declared bridge leads over it.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{Candidate, choose::value};
use crate::{
    id::{CommunityId, IndicatorVersionId, SeriesId, SourceId},
    observation::Observation,
    record::Stored,
    series::Series,
    series_break::{BreakReason, Conversion, Crossing, SeriesBreak},
};

/// What earlier versions offer to the candidates of a comparison.
#[derive(Debug, Clone, Default)]
pub struct Earlier {
    /// Series by any version; of those by an earlier one, the figures that change may be counted from.
    pub candidates: Vec<Candidate>,
    /// Whether that is their current figure, for the period asked for, and not their declared baseline.
    pub of_period: bool,
    /// The declared breaks of the indicator, as they were known when the figures were.
    pub breaks: Vec<Stored<SeriesBreak>>,
    /// The ends of the periods whose figures are marked as breaks; no bridge leads over those.
    pub marked: Vec<(SeriesId, NaiveDate)>,
    /// The numbers of the versions.
    pub numbers: HashMap<IndicatorVersionId, i32>,
}

impl Earlier {
    /// Gives the candidates without a baseline that of the nearest earlier version, from the same source, if the change of definition
    /// is declared with a bridge, and so is every other break in between (invariant 5).
    pub fn bridge(&self, candidates: &mut [Candidate]) {
        let mut of: HashMap<_, Vec<&Candidate>> = HashMap::new();
        for other in &self.candidates {
            of.entry(measured(other)).or_default().push(other);
        }
        for candidate in candidates.iter_mut().filter(|candidate| candidate.baseline.is_none()) {
            let others = of.get(&measured(candidate)).map_or(&[][..], Vec::as_slice);
            let Some((steps, series, baseline)) = self.baseline(candidate, others) else { continue };
            let Some(crossing) = self.crossing(steps, series, baseline, &candidate.current) else { continue };
            candidate.baseline = Some(baseline.clone());
            candidate.baseline_declared = !self.of_period;
            candidate.crossing = crossing;
        }
    }

    /// The figure that change may be counted from, and how many definitions lie between its own and the candidate's.
    fn baseline<'a>(
        &self,
        candidate: &Candidate,
        others: &[&'a Candidate],
    ) -> Option<(i32, &'a Series, &'a Observation)> {
        let number = self.numbers.get(&candidate.series.indicator_version)?;
        let earlier = others.iter().filter_map(|other| {
            let figure = if self.of_period { Some(&other.current) } else { other.baseline.as_ref() }?;
            let version = self.numbers.get(&other.series.indicator_version)?;
            let fits = version < number && figure.period < candidate.current.period;
            (fits && value(&figure.figure).is_some()).then_some((version, &other.series, figure))
        });
        earlier.max_by_key(|(version, ..)| *version).map(|(version, series, figure)| (number - version, series, figure))
    }

    /// The bridges between two figures, if there is one over each change of definition and nothing that they do not lead over.
    fn crossing(&self, steps: i32, series: &Series, baseline: &Observation, current: &Observation) -> Option<Crossing> {
        let (from, to) = (&baseline.period, &current.period);
        let between = |one: &&Stored<SeriesBreak>| {
            one.meta.archived_at.is_none()
                && one.community == series.community
                && one.source.is_none_or(|source| source == series.source)
                && from.start() < one.starts_on
                && one.starts_on < to.end()
        };
        let breaks: Vec<_> = self.breaks.iter().filter(between).collect();
        let marked = self.marked.iter().any(|(of, end)| {
            (*of == baseline.series && *end > from.end()) || (*of == current.series && *end <= to.end())
        });
        let changes = breaks.iter().filter(|one| one.reason == BreakReason::Definition).count();
        if marked || i32::try_from(changes) != Ok(steps) {
            return None;
        }
        let conversion = |one: &Stored<SeriesBreak>| -> Option<Conversion> { Some(one.bridge.as_ref()?.conversion) };
        let crossing = Crossing::over(breaks.into_iter().map(|one| (one.starts_on, conversion(one))).collect());
        matches!(crossing, Crossing::Bridged(_)).then_some(crossing)
    }
}

/// What two series have in common that differ by their definition alone. All are for one part of the population.
fn measured(candidate: &Candidate) -> (CommunityId, SourceId) {
    (candidate.series.community, candidate.series.source)
}
