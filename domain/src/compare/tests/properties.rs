//! What holds of every comparison.

use std::collections::HashMap;

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::observation::ObservationStatus;

const STATUSES: [ObservationStatus; 8] = [
    ObservationStatus::Normal,
    ObservationStatus::Normal,
    ObservationStatus::Normal,
    ObservationStatus::SeriesBreak,
    ObservationStatus::DefinitionDiffers,
    ObservationStatus::Provisional,
    ObservationStatus::Suppressed,
    ObservationStatus::Missing,
];

/// A figure with few distinct values, so that ties are common.
fn figures() -> impl Strategy<Value = Figure> {
    (select(&STATUSES[..]), 0..60_i32, 0..40_i32, 1..200_i32).prop_map(|(status, tenths, width, denominator)| {
        if status.is_without_value() {
            return Figure { status, ..Figure::default() };
        }
        let value = f64::from(tenths) / 10.0;
        Figure {
            status,
            numerator: Some(f64::from(tenths)),
            denominator: Some(f64::from(denominator)),
            lower: Some(value - f64::from(width) / 10.0),
            upper: Some(value + f64::from(width) / 10.0),
            ..Figure::of(value)
        }
    })
}

fn candidates(community: u32) -> impl Strategy<Value = Vec<Candidate>> {
    let one = (1..3_u32, 1..4_u32, select(vec!["2018", "2019", "2020", "2020", "2020"]), figures());
    let baseline = option::of((select(vec!["2014", "2015"]), 0..60_i32));
    vec((one, baseline, prop::bool::weighted(0.1)), 0..4).prop_map(move |rows| {
        let mut seen = HashMap::new();
        for ((version, source, when, figure), baseline, broken) in rows {
            let mut candidate = offer(community, version, source, when, figure);
            candidate.broken_since_baseline = broken;
            if let Some((from, tenths)) = baseline {
                candidate = candidate.since(from, f64::from(tenths) / 10.0);
            }
            seen.insert(candidate.series_id, candidate);
        }
        seen.into_values().collect()
    })
}

/// Up to thirty communities, of whom some have nothing, with two versions, three sources and some targets.
fn inputs() -> impl Strategy<Value = Input> {
    let communities = (0..30_u32).prop_flat_map(|count| (1..=count).map(candidates).collect::<Vec<_>>());
    let targets = vec((0..30_u32, 0..60_i32, select(vec!["2019-12-31", "2025-12-31", "2030-12-31"])), 0..5);
    let version = (
        select(Polarity::ALL),
        select(Additivity::ALL),
        select(vec![Measure::Percentage, Measure::Rate, Measure::Count]),
    );
    (communities, targets, version, option::of(Just("2020"))).prop_map(|(candidates, targets, version, asked)| {
        let (polarity, additivity, measure) = version;
        let one = IndicatorVersion { measure, additivity, ..super::version(polarity) };
        let two = IndicatorVersion { number: 2, unit: text("per 1 000"), ..one.clone() };
        Input {
            members: (1..=u32::try_from(candidates.len()).unwrap()).map(member).collect(),
            versions: vec![stored(1, one), stored(2, two)],
            version: id(1),
            candidates: candidates.into_iter().flatten().collect(),
            withheld: Vec::new(),
            suppression: SuppressionPolicy::default(),
            targets: (1..)
                .zip(targets)
                .map(|(number, (community, value, due))| target(number, community, f64::from(value) / 10.0, due))
                .collect(),
            period: asked.map(period),
        }
    })
}

/// Every value multiplied; a power of two moves no digit.
fn scaled(mut input: Input, factor: f64) -> Input {
    let scale = |part: &mut Option<f64>| *part = part.map(|part| part * factor);
    for candidate in &mut input.candidates {
        for observation in [Some(&mut candidate.current), candidate.baseline.as_mut()].into_iter().flatten() {
            let Figure { value, lower, upper, numerator, .. } = &mut observation.figure;
            [value, lower, upper, numerator].into_iter().for_each(scale);
        }
    }
    input.targets.iter_mut().for_each(|target| target.value.value *= factor);
    input
}

fn cells(comparison: &Comparison) -> impl Iterator<Item = &Cell> {
    comparison.entries.iter().filter_map(|entry| entry.cell.as_ref())
}

/// Every number that a comparison derives.
fn derived(comparison: &Comparison) -> Vec<f64> {
    let mut numbers = Vec::new();
    for cell in cells(comparison) {
        numbers.extend([cell.change, cell.percent_change, cell.improvement, cell.percentile].into_iter().flatten());
        numbers.extend(cell.target.iter().flat_map(|target| [target.gap, target.progress]).flatten());
    }
    numbers.extend(comparison.distribution.iter().flat_map(|spread| {
        [spread.minimum, spread.lower_quartile, spread.median, spread.upper_quartile, spread.maximum]
    }));
    numbers.extend(comparison.cohort_change.iter().map(|cohort| cohort.median_change));
    numbers.extend(
        comparison.aggregate.iter().flat_map(|all| [Some(all.value), all.numerator, all.denominator]).flatten(),
    );
    numbers
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5
}

fn finite() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![4 => POSITIVE | NEGATIVE | NORMAL | SUBNORMAL, 1 => POSITIVE | NEGATIVE | ZERO]
}

proptest! {
    #[test]
    fn the_order_of_the_input_does_not_matter(input in inputs(), seed in any::<u64>()) {
        let comparison = compare(&input);
        let mut shuffled = input;
        // A small generator of our own keeps the shuffle a function of the seed.
        let mut state = seed | 1;
        let mut next = move |_: &_| { state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); state >> 33 };
        shuffled.members.sort_by_cached_key(|member| next(&member.community));
        shuffled.candidates.sort_by_cached_key(|candidate| next(&candidate.series.community));
        shuffled.targets.reverse();
        shuffled.versions.reverse();
        let mut other = compare(&shuffled);
        let order: Vec<_> = shuffled.members.iter().map(|member| member.community).collect();
        prop_assert_eq!(other.entries.iter().map(|entry| entry.community).collect::<Vec<_>>(), order);
        other.entries.sort_by_key(|entry| entry.community);
        prop_assert_eq!(comparison, other);
    }

    #[test]
    fn everybody_is_answered_and_only_like_is_compared(input in inputs()) {
        let comparison = compare(&input);
        prop_assert_eq!(comparison.entries.len(), input.members.len());
        for cell in cells(&comparison) {
            let like = cell.comparability != Comparability::SameOutcome && cell.current.figure.value.is_some();
            prop_assert_eq!(cell.compared, like && Some(cell.current.period) == comparison.period);
            prop_assert!(cell.reasons.is_sorted_by(|a, b| a < b));
            let mismatch = comparison.period.is_some_and(|period| period != cell.current.period);
            prop_assert_eq!(cell.reasons.contains(&Reason::PeriodMismatch), mismatch);
            prop_assert!(cell.compared || cell.rank.is_none() && cell.percentile.is_none());
            prop_assert!(!cell.reasons.contains(&Reason::SeriesBreak) || cell.change.is_none() && cell.improvement.is_none());
            prop_assert!(cell.current.figure.value.is_some() || cell.change.is_none());
            let of_its_kind = cell.version == comparison.version && Some(cell.source) == comparison.source;
            prop_assert!(cell.comparability != Comparability::SameMeasurement || of_its_kind || comparison.source.is_none());
        }
        let compared = cells(&comparison).filter(|cell| cell.compared).count();
        prop_assert_eq!(comparison.coverage.reporting, u32::try_from(compared).unwrap());
        prop_assert_eq!(comparison.distribution.map_or(0, |spread| spread.count), comparison.coverage.reporting);
    }

    #[test]
    fn what_is_not_compared_changes_no_total(input in inputs()) {
        let comparison = compare(&input);
        let mut fewer = input;
        let compared: Vec<SeriesId> = cells(&comparison).filter(|cell| cell.compared).map(|cell| cell.series).collect();
        fewer.candidates.retain(|candidate| compared.contains(&candidate.series_id));
        // The period is fixed, for those left out had their say in choosing it.
        fewer.period = comparison.period;
        let other = compare(&fewer);
        prop_assert_eq!(comparison.distribution, other.distribution);
        prop_assert_eq!(comparison.aggregate, other.aggregate);
        prop_assert_eq!(comparison.cohort_change, other.cohort_change);
    }

    #[test]
    fn totals_are_what_recomputing_gives(input in inputs()) {
        let comparison = compare(&input);
        let version = &input.versions[0];
        let figures: Vec<&Figure> = cells(&comparison).filter(|cell| cell.compared).map(|cell| &cell.current.figure).collect();
        let sum = |part: fn(&Figure) -> Option<f64>| figures.iter().filter_map(|figure| part(figure)).sum::<f64>();
        let ratio = 100.0 * sum(|figure| figure.numerator) / sum(|figure| figure.denominator);
        let expected = match version.additivity {
            _ if figures.len() < 2 => None,
            Additivity::Sum if version.measure == Measure::Count => Some(sum(|figure| figure.value)),
            Additivity::RatioOfSums => Some(ratio),
            _ => None,
        };
        match (comparison.aggregate, expected) {
            (Some(found), Some(expected)) => prop_assert!(close(found.value, expected)),
            (found, expected) => prop_assert!(found.is_none() && expected.is_none()),
        }
    }

    #[test]
    fn scaling_scales(input in inputs(), power in 1..6_i32) {
        let factor = 2f64.powi(power);
        let (small, large) = (compare(&input), compare(&scaled(input.clone(), factor)));
        for (a, b) in cells(&small).zip(cells(&large)) {
            prop_assert_eq!((a.percentile, a.rank, a.percent_change), (b.percentile, b.rank, b.percent_change));
            prop_assert_eq!(a.change.map(|change| close(change * factor, b.change.unwrap())), a.change.map(|_| true));
            let progress = |cell: &Cell| cell.target.as_ref().and_then(|target| target.progress);
            prop_assert_eq!(progress(a), progress(b));
        }
        prop_assert_eq!(small.distribution.map(|s| close(s.median * factor, large.distribution.unwrap().median)), small.distribution.map(|_| true));
    }

    #[test]
    fn what_is_better_turns_with_polarity(mut input in inputs()) {
        let mut by = |polarity| {
            input.versions.iter_mut().for_each(|version| version.value.polarity = polarity);
            compare(&input)
        };
        let (higher, lower, neutral) = (by(Polarity::HigherIsBetter), by(Polarity::LowerIsBetter), by(Polarity::Neutral));
        for ((a, b), c) in cells(&higher).zip(cells(&lower)).zip(cells(&neutral)) {
            prop_assert_eq!(a.improvement, b.improvement.map(|improvement| 0.0 - improvement));
            prop_assert_eq!((a.change, b.change), (c.change, c.change));
            prop_assert_eq!((c.improvement, c.percentile, c.rank), (None, None, None));
            if let (Some(up), Some(down)) = (a.percentile, b.percentile) {
                prop_assert!(close(up + down, 100.0));
            }
        }
        prop_assert_eq!(higher.cohort_change.map(|c| (c.improved, c.worsened)), lower.cohort_change.map(|c| (c.worsened, c.improved)));
    }

    #[test]
    fn finite_figures_give_finite_answers(
        mut input in inputs(),
        extremes in vec(finite(), 64),
    ) {
        let mut next = extremes.into_iter().cycle();
        for candidate in &mut input.candidates {
            for observation in [Some(&mut candidate.current), candidate.baseline.as_mut()].into_iter().flatten() {
                let Figure { value, lower, upper, numerator, denominator, .. } = &mut observation.figure;
                for part in [value, lower, upper, numerator, denominator].into_iter().flatten() {
                    *part = next.next().unwrap();
                }
            }
        }
        input.targets.iter_mut().for_each(|target| target.value.value = next.next().unwrap());
        let comparison = compare(&input);
        prop_assert!(derived(&comparison).into_iter().all(|number| number.is_finite() && !(number == 0.0 && number.is_sign_negative())));
        for cell in cells(&comparison) {
            prop_assert!(cell.percentile.is_none_or(|percentile| (0.0..=100.0).contains(&percentile)));
            prop_assert!(cell.rank.is_none_or(|rank| rank.best <= Some(rank.position) && (rank.worst.is_none() || rank.worst >= Some(rank.position))));
        }
        let five = comparison.distribution.map(|s| [s.minimum, s.lower_quartile, s.median, s.upper_quartile, s.maximum]);
        prop_assert!(five.is_none_or(|five| five.is_sorted()));
    }
}
