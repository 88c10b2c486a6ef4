//! Putting a comparison together.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{
    Candidate, Cell, Comparability, Comparison, Entry, Input,
    aggregate::{cohort_change, compared, coverage},
    change::{Change, change, pair},
    choose::{Reference, choose, value},
    comparability::judge,
    number::places,
    spread::{ascending, distribution},
    standing::Standing,
    target::Targets,
    total::{Whole, whole},
};
use crate::{
    id::IndicatorVersionId, indicator::IndicatorVersion, period::Period, port::figures::Member,
    small_cells::SuppressionPolicy,
};

/// What a cell is computed from besides its own candidate.
struct Context<'a> {
    reference: Reference<'a>,
    versions: HashMap<IndicatorVersionId, &'a IndicatorVersion>,
    targets: Targets<'a>,
    suppression: &'a SuppressionPolicy,
}

/// Compares communities. Nothing is read but `input`, and the result depends on the order of nothing in it, except that the
/// entries stand in the order of the members. In time it grows as n log n with members, candidates and targets.
///
/// What a figure is held against (the period and the source compared) follows from the figures with a value by the version
/// compared. Change, improvement and target of a cell are computed within its own series and version, also where the value
/// is not compared with the others.
pub fn compare(input: &Input) -> Comparison {
    let versions: HashMap<_, _> = input.versions.iter().map(|version| (version.id, &version.value)).collect();
    let Some(&version) = versions.get(&input.version) else { return nothing_known(input) };
    let (reference, chosen) = choose(input, version);
    let day = reference.period.map_or(NaiveDate::MIN, |period: Period| period.last_day());
    let targets = Targets::new(&input.targets, day);
    let context = Context { reference, versions, targets, suppression: &input.suppression };
    let answers = input.members.iter().zip(chosen);
    let mut entries: Vec<Entry> = answers
        .map(|(member, candidate)| Entry {
            community: member.community,
            cell: candidate.map(|candidate| context.cell(candidate, member)),
        })
        .collect();
    place(&mut entries, version);
    let Whole { aggregate, period, source, counted } = whole(input, version, &context.reference, &entries);
    let values = ascending(entries.iter().filter_map(compared).filter_map(|cell| value(&cell.current.figure)));
    Comparison {
        version: input.version,
        period,
        source,
        distribution: distribution(&values, places(version)),
        coverage: coverage(&input.members, &entries),
        cohort_change: cohort_change(&entries, &reference),
        aggregate,
        counted,
        entries,
    }
}

impl Context<'_> {
    fn cell(&self, candidate: &Candidate, member: &Member) -> Cell {
        let Candidate { series_id, series, current, baseline, baseline_declared, .. } = candidate;
        let version = self.versions.get(&series.indicator_version).copied();
        let (comparability, reasons) = judge(candidate, version, member, &self.reference, self.suppression);
        let pair = pair(candidate);
        let Change { points, percent, improvement } =
            pair.zip(version).map(|(pair, version)| change(pair, version)).unwrap_or_default();
        Cell {
            series: *series_id,
            version: series.indicator_version,
            source: series.source,
            current: current.clone(),
            baseline: baseline.clone(),
            baseline_declared: *baseline_declared,
            change: points,
            percent_change: percent,
            improvement,
            target: version.and_then(|version| self.targets.figure(candidate, version, pair)),
            percentile: None,
            rank: None,
            comparability,
            reasons,
            compared: candidate.aggregated
                && value(&current.figure).is_some()
                && comparability != Comparability::SameOutcome
                && Some(current.period) == self.reference.period,
        }
    }
}

/// Fills in percentiles and ranks, which are known only when all compared values are.
fn place(entries: &mut [Entry], version: &IndicatorVersion) {
    let figures = entries.iter().filter_map(compared).map(|cell| &cell.current.figure);
    let Some(standing) = Standing::of(figures, version.polarity) else { return };
    for cell in entries.iter_mut().filter_map(|entry| entry.cell.as_mut()).filter(|cell| cell.compared) {
        cell.percentile = standing.percentile(&cell.current.figure);
        cell.rank = standing.rank(&cell.current.figure);
    }
}

/// Without the definition no figure can be read: everybody is asked for, and nobody answers.
fn nothing_known(input: &Input) -> Comparison {
    let entries: Vec<Entry> =
        input.members.iter().map(|member| Entry { community: member.community, cell: None }).collect();
    Comparison {
        version: input.version,
        period: input.period,
        source: None,
        distribution: None,
        coverage: coverage(&input.members, &entries),
        cohort_change: None,
        aggregate: None,
        counted: Vec::new(),
        entries,
    }
}
