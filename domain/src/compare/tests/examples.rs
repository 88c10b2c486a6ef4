//! Comparisons worked out by hand.

use rstest::rstest;

use super::*;
use crate::observation::ObservationStatus;

fn lower() -> IndicatorVersion {
    version(Polarity::LowerIsBetter)
}

fn with_status(status: ObservationStatus) -> Figure {
    if status.is_without_value() {
        Figure { status, ..Figure::default() }
    } else {
        Figure { status, ..Figure::of(9.8) }
    }
}

#[test]
fn winnipeg_is_seven_tenths_of_the_way() {
    let mut input = input(lower(), vec![candidate(1, "2020", Figure::of(9.8)).since("2015", 15.7)]);
    input.targets = vec![target(1, 1, 7.25, "2026-12-31")];
    let comparison = compare(&input);
    let cell = cell(&comparison, 0);
    assert_eq!((cell.change, cell.percent_change, cell.improvement), (Some(-5.9), None, Some(5.9)));
    let found = cell.target.as_ref().unwrap();
    assert_eq!((found.value, found.own, found.gap), (7.25, true, Some(-2.55 + 5.1)));
    assert_eq!(format!("{:.2}", found.progress.unwrap()), "69.82");
    assert!(cell.compared && cell.baseline_declared && cell.reasons.is_empty());
    assert_eq!(cell.comparability, Comparability::SameMeasurement);
    assert_eq!((cell.percentile, cell.rank), (None, None));
    assert_eq!((comparison.period, comparison.source), (Some(period("2020")), Some(id(1))));
    assert_eq!(comparison.distribution.unwrap().median, 9.8);
    assert_eq!((comparison.cohort_change, comparison.aggregate), (None, None), "one community is not several");
}

#[test]
fn suppressed_and_missing_are_answers_and_never_zero() {
    let mut candidates = values(&[10.0, 20.0]);
    candidates.push(candidate(3, "2020", with_status(ObservationStatus::Suppressed)).since("2015", 5.0));
    let mut input = input(lower(), candidates);
    input.members.push(member(4));
    input.period = Some(period("2020"));
    input.targets = vec![target(1, 0, 5.0, "2030-12-31")];
    let comparison = compare(&input);
    let suppressed = cell(&comparison, 2);
    assert!(!suppressed.compared && suppressed.change.is_none() && suppressed.rank.is_none());
    let found = suppressed.target.as_ref().unwrap();
    assert_eq!((found.own, found.gap, found.progress), (false, None, None));
    assert_eq!(comparison.entries[3], Entry { community: id(4), cell: None });
    let spread = comparison.distribution.unwrap();
    assert_eq!((spread.count, spread.minimum, spread.median), (2, 10.0, 15.0));
    assert_eq!((comparison.coverage.expected, comparison.coverage.reporting), (4, 2));
    assert_eq!(
        (comparison.coverage.population_expected, comparison.coverage.population_reporting),
        (Some(4_000), Some(2_000))
    );
}

#[test]
fn one_missing_estimate_leaves_the_population_open() {
    let mut input = input(lower(), values(&[10.0, 20.0]));
    input.members.push(Member { population: None, ..member(3) });
    let coverage = compare(&input).coverage;
    assert_eq!((coverage.population_expected, coverage.population_reporting), (None, Some(2_000)));
    input.candidates.clear();
    assert_eq!(compare(&input).coverage.population_reporting, None);
    input.members[0].population = Some(i64::MAX);
    input.members[2].population = Some(1);
    assert_eq!(compare(&input).coverage.population_expected, None);
}

#[test]
fn the_period_of_most_communities_is_compared_and_of_several_the_latest() {
    let candidates = |years: [&str; 4]| (1..).zip(years).map(|(n, year)| candidate(n, year, Figure::of(1.0))).collect();
    let of = |years| compare(&input(lower(), candidates(years)));
    assert_eq!(of(["2018", "2018", "2018", "2020"]).period, Some(period("2018")));
    let tied = of(["2018", "2020", "2018", "2020"]);
    assert_eq!(tied.period, Some(period("2020")));
    assert_eq!(cell(&tied, 0).reasons, [Reason::PeriodMismatch]);
    assert!(!cell(&tied, 0).compared && cell(&tied, 1).compared);
    // Three series of one community are one voice.
    let mut many = candidates(["2018", "2018", "2020", "2020"]);
    many.extend([offer(1, 1, 2, "2018", Figure::of(1.0)), offer(1, 1, 3, "2018", Figure::of(1.0))]);
    let mut input = input(lower(), many);
    input.members.truncate(4);
    assert_eq!(compare(&input).period, Some(period("2020")));
}

#[test]
fn the_version_compared_goes_before_the_source_and_the_source_before_the_newest() {
    let figure = || Figure::of(1.0);
    let mut input = input(
        lower(),
        vec![
            offer(1, 1, 2, "2020", figure()),
            offer(2, 1, 2, "2020", figure()),
            offer(3, 1, 1, "2020", figure()),
            // Of the reference source an older figure, and a newer one by another version.
            offer(4, 1, 1, "2021", figure()),
            offer(4, 1, 2, "2020", figure()),
            offer(4, 2, 2, "2022", figure()),
            // None from the reference source: the newest, and of two the series with the smaller id.
            offer(5, 1, 3, "2019", figure()),
            offer(5, 1, 4, "2020", figure()),
            offer(5, 1, 1, "2020", figure()),
        ],
    );
    input.versions.push(stored(2, lower()));
    let comparison = compare(&input);
    assert_eq!((comparison.period, comparison.source), (Some(period("2020")), Some(id(2))));
    let found: Vec<_> =
        (0..5).map(|n| cell(&comparison, n)).map(|cell| (cell.source, cell.current.period.to_string())).collect();
    let expected = [(2, "2020"), (2, "2020"), (1, "2020"), (2, "2020"), (1, "2020")];
    assert_eq!(found, expected.map(|(source, year)| (id(source), year.to_owned())));
    assert_eq!(cell(&comparison, 2).comparability, Comparability::SameMeasure);
    assert_eq!(cell(&comparison, 2).reasons, [Reason::SourceDiffers]);
    assert_eq!(comparison.coverage.reporting, 5);
}

#[test]
fn a_value_for_the_period_compared_goes_before_the_reference_source() {
    let figure = || Figure::of(1.0);
    let missing = Figure { value: None, status: ObservationStatus::Missing, ..Figure::of(0.0) };
    let input = input(
        lower(),
        vec![
            offer(1, 1, 2, "2020", figure()),
            offer(2, 1, 2, "2020", figure()),
            // An older one from the reference source, and one for the period compared from another.
            offer(3, 1, 2, "2018", figure()),
            offer(3, 1, 1, "2020", figure()),
            // The reference source has no value for it, another has.
            offer(4, 1, 2, "2020", missing),
            offer(4, 1, 1, "2020", figure()),
            offer(5, 1, 2, "2020", figure()),
        ],
    );
    let comparison = compare(&input);
    assert_eq!((comparison.period, comparison.source), (Some(period("2020")), Some(id(2))));
    for place in [2, 3] {
        let cell = cell(&comparison, place);
        assert_eq!((cell.source, cell.current.period, cell.compared), (id(1), period("2020"), true));
        assert_eq!(cell.reasons, [Reason::SourceDiffers]);
    }
    assert_eq!(comparison.coverage.reporting, 5);
}

#[test]
fn another_definition_is_shown_and_not_compared() {
    let per_thousand = IndicatorVersion { number: 2, measure: Measure::Rate, multiplier: Some(1_000.0), ..lower() };
    let mut translated = lower();
    translated.unit = LocalizedText::from_parts(
        "en".parse().unwrap(),
        [("en", "%"), ("fr", "%")].map(|(l, t)| (l.parse().unwrap(), t.to_owned())).into(),
    )
    .unwrap();
    let mut candidates = values(&[10.0]);
    candidates.push(offer(2, 2, 1, "2020", Figure::of(98.0)).since("2015", 100.0));
    candidates.push(offer(3, 3, 1, "2020", Figure::of(9.8)));
    candidates.push(offer(4, 4, 1, "2020", Figure::of(9.8)).since("2015", 12.0));
    candidates.push(candidate(5, "2020", with_status(ObservationStatus::DefinitionDiffers)).since("2015", 12.0));
    let mut input = input(lower(), candidates);
    input.versions.extend([stored(2, per_thousand), stored(3, translated)]);
    input.targets = vec![target(1, 0, 5.0, "2030-12-31")];
    let comparison = compare(&input);
    let reasons = |index| cell(&comparison, index).reasons.as_slice();
    assert_eq!(reasons(1), [Reason::Unit, Reason::DefinitionDiffers]);
    assert_eq!(reasons(2), [Reason::DefinitionDiffers]);
    assert_eq!(reasons(3), [Reason::Unit, Reason::DefinitionDiffers]);
    assert_eq!(reasons(4), [Reason::DefinitionDiffers]);
    assert!((1..5).all(|n| cell(&comparison, n).comparability == Comparability::SameOutcome && !cell(&comparison, n).compared));
    assert_eq!(
        (cell(&comparison, 1).change, cell(&comparison, 1).percent_change),
        (Some(-2.0), Some(-2.0)),
        "within its own version"
    );
    assert_eq!(cell(&comparison, 1).target, None, "a target of another version");
    assert_eq!((cell(&comparison, 3).change, cell(&comparison, 3).improvement), (None, None), "of an unknown version");
    assert_eq!(cell(&comparison, 4).change, None);
    assert_eq!(cell(&comparison, 4).target.as_ref().unwrap().gap, None);
    assert_eq!(comparison.coverage.reporting, 1);
}

#[rstest]
#[case("2015", "2020", false, "A", Some(-2.2), false)]
#[case("2015", "2020", true, "A", None, true)]
#[case("2015", "2020", false, "B", None, true)]
#[case("2020", "2020", false, "A", None, false)]
#[case("2021", "2020", false, "A", None, false)]
#[case("2021", "2020", false, "B", None, false)]
#[case("2015-Q1", "2020", false, "A", None, false)]
#[case("2014-04-01/P1Y", "2020", false, "A", None, false)]
#[case("2014-01-01/P3Y", "2015-01-01/P3Y", false, "A", Some(-2.2), false)]
#[case("2014-01-01/P2Y", "2018-01-01/P3Y", false, "A", None, false)]
fn change_needs_an_earlier_figure_of_the_same_kind(
    #[case] from: &str,
    #[case] to: &str,
    #[case] broken: bool,
    #[case] status: &str,
    #[case] change: Option<f64>,
    #[case] break_named: bool,
) {
    let figure = with_status(status.parse().unwrap());
    let candidate = Candidate { broken_since_baseline: broken, ..candidate(1, to, figure).since(from, 12.0) };
    let mut input = input(lower(), vec![candidate]);
    input.targets = vec![target(1, 1, 7.0, "2030-01-01")];
    let comparison = compare(&input);
    let cell = cell(&comparison, 0);
    assert_eq!((cell.change, cell.improvement), (change, change.map(|change| -change)));
    assert_eq!(cell.reasons.contains(&Reason::SeriesBreak), break_named);
    let found = cell.target.as_ref().unwrap();
    assert_eq!(found.gap, Some(2.8), "the distance needs no baseline");
    assert_eq!(found.progress, change.map(|_| 44.0));
}

#[rstest]
#[case(IndicatorVersion { unit: text("Prozent"), ..lower() }, true)]
#[case(IndicatorVersion { unit: LocalizedText::new("fr".parse().unwrap(), "%").unwrap(), ..lower() }, true)]
#[case(IndicatorVersion { multiplier: None, ..lower() }, true)]
#[case(IndicatorVersion { measure: Measure::Rate, ..lower() }, true)]
#[case(IndicatorVersion { currency: Some("CAD".parse().unwrap()), ..lower() }, true)]
#[case(IndicatorVersion { decimals: 3, frequency: PeriodKind::Month, ..lower() }, false)]
fn another_unit_is_named(#[case] other: IndicatorVersion, #[case] named: bool) {
    let mut input = input(lower(), vec![offer(1, 2, 1, "2020", Figure::of(9.8))]);
    input.versions.push(stored(2, other));
    assert_eq!(cell(&compare(&input), 0).reasons.contains(&Reason::Unit), named);
}

#[test]
fn change_crosses_neither_series_nor_definitions() {
    let mut input = input(lower(), vec![candidate(1, "2020", Figure::of(9.8)).since("2015", 12.0)]);
    let baseline = input.candidates[0].baseline.as_mut().unwrap();
    baseline.figure.status = ObservationStatus::DefinitionDiffers;
    assert_eq!(cell(&compare(&input), 0).change, None);
    let baseline = input.candidates[0].baseline.as_mut().unwrap();
    baseline.figure.status = ObservationStatus::Normal;
    baseline.series = id(77);
    assert_eq!(cell(&compare(&input), 0).change, None);
}

#[rstest]
#[case("P", true)]
#[case("E", true)]
#[case("F", true)]
#[case("V", true)]
#[case("I", true)]
#[case("A", false)]
#[case("G", false)]
#[case("U", false)]
fn estimates_are_provisional(#[case] status: &str, #[case] provisional: bool) {
    let comparison = compare(&input(lower(), vec![candidate(1, "2020", with_status(status.parse().unwrap()))]));
    assert_eq!(cell(&comparison, 0).reasons, if provisional { vec![Reason::Provisional] } else { vec![] });
    assert!(cell(&comparison, 0).compared);
}

#[rstest]
#[case(Measure::Percentage, 10.0, Some(15.0), Some(150.0), true)]
#[case(Measure::Percentage, 10.0, Some(16.0), Some(160.0), false)]
#[case(Measure::Percentage, 40.0, Some(39.6), Some(99.0), true)]
#[case(Measure::Percentage, 40.0, Some(40.0), Some(100.0), false)]
#[case(Measure::Percentage, 10.0, None, None, false)]
#[case(Measure::Count, 15.0, None, None, true)]
#[case(Measure::Count, 0.0, None, None, true)]
#[case(Measure::Count, 16.0, None, None, false)]
fn few_cases_are_flagged(
    #[case] measure: Measure,
    #[case] value: f64,
    #[case] numerator: Option<f64>,
    #[case] denominator: Option<f64>,
    #[case] small: bool,
) {
    let figure = Figure { numerator, denominator, ..Figure::of(value) };
    let version = IndicatorVersion { measure, ..lower() };
    let comparison = compare(&input(version, vec![candidate(1, "2020", figure)]));
    assert_eq!(cell(&comparison, 0).reasons.contains(&Reason::SmallN), small);
}

#[rstest]
#[case(PeriodKind::Year, "2022", "2020", false)]
#[case(PeriodKind::Year, "2022", "2019", true)]
#[case(PeriodKind::Quarter, "2022-Q4", "2022-Q2", false)]
#[case(PeriodKind::Quarter, "2022-Q4", "2022-Q1", true)]
#[case(PeriodKind::Month, "2022-03", "2022-01", false)]
#[case(PeriodKind::Month, "2022-03", "2021-12", true)]
#[case(PeriodKind::Week, "2022-W10", "2022-W08", false)]
#[case(PeriodKind::Week, "2022-W10", "2022-W07", true)]
#[case(PeriodKind::Year, "2018", "2022", false)]
fn figures_grow_stale(#[case] frequency: PeriodKind, #[case] asked: &str, #[case] has: &str, #[case] stale: bool) {
    let mut input = input(IndicatorVersion { frequency, ..lower() }, vec![candidate(1, has, Figure::of(9.8))]);
    input.period = Some(period(asked));
    let comparison = compare(&input);
    let expected = if stale { vec![Reason::PeriodMismatch, Reason::Stale] } else { vec![Reason::PeriodMismatch] };
    assert_eq!(cell(&comparison, 0).reasons, expected);
    assert_eq!((comparison.period, comparison.source), (Some(period(asked)), None));
    assert!(!cell(&comparison, 0).compared);
}

#[rstest]
#[case("2015-01-01", false)]
#[case("2015-01-02", true)]
#[case("2021-01-01", true)]
#[case("2021-01-02", false)]
fn changed_boundaries_are_named(#[case] changed_on: &str, #[case] named: bool) {
    let mut input = input(lower(), vec![candidate(1, "2020", Figure::of(9.8)).since("2015", 12.0)]);
    input.members[0].geography_changes = vec![day("1999-01-01"), day(changed_on)];
    let comparison = compare(&input);
    assert_eq!(cell(&comparison, 0).reasons, if named { vec![Reason::GeographyChanged] } else { vec![] });
    input.candidates[0].baseline = None;
    assert!(cell(&compare(&input), 0).reasons.is_empty(), "without a baseline there is nothing to reach across");
}

#[rstest]
// Its own before the network's, even when that one falls due first.
#[case(&[(1, 0, "2021-12-31"), (2, 1, "2030-12-31")], 2)]
// The next to fall due; the last day of the period compared is not over yet.
#[case(&[(1, 1, "2020-12-30"), (2, 1, "2030-12-31"), (3, 1, "2020-12-31"), (4, 1, "2025-12-31")], 3)]
// All are past: the last of them.
#[case(&[(1, 1, "2018-12-31"), (2, 1, "2019-12-31"), (3, 1, "2017-12-31")], 2)]
// On one day: the one set later.
#[case(&[(1, 1, "2025-12-31"), (3, 1, "2025-12-31"), (2, 1, "2025-12-31")], 3)]
// Another community's is nothing to this one.
#[case(&[(1, 2, "2021-12-31"), (2, 0, "2030-12-31")], 2)]
fn one_target_applies(#[case] targets: &[(u32, u32, &str)], #[case] applies: u32) {
    let mut input = input(lower(), vec![candidate(1, "2020", Figure::of(9.8))]);
    input.targets = targets.iter().map(|&(number, community, due)| target(number, community, 5.0, due)).collect();
    let mut archived = target(9, 1, 5.0, "2020-12-31");
    archived.meta.archived_at = Some(DateTime::UNIX_EPOCH);
    let mut other_version = target(10, 1, 5.0, "2020-12-31");
    other_version.value.indicator_version = id(2);
    input.targets.extend([archived, other_version]);
    let comparison = compare(&input);
    assert_eq!(cell(&comparison, 0).target.as_ref().map(|found| found.id), Some(id(applies)));
}

#[test]
fn the_fixed_cohort_shares_both_periods() {
    let mut candidates = vec![
        candidate(1, "2020", Figure::of(9.8)).since("2015", 15.7),
        candidate(2, "2020", Figure::of(10.0)).since("2015", 9.0),
        candidate(3, "2020", Figure::of(8.0)).since("2015", 10.0),
        candidate(4, "2020", Figure::of(8.0)).since("2016", 50.0),
        candidate(5, "2020", Figure::of(8.0)),
    ];
    candidates.push(candidate(6, "2019", Figure::of(1.0)).since("2015", 90.0));
    let cohort = compare(&input(lower(), candidates.clone())).cohort_change.unwrap();
    assert_eq!((cohort.communities, cohort.median_change), (3, -2.0));
    assert_eq!((cohort.from, cohort.to), (period("2015"), period("2020")));
    assert_eq!((cohort.improved, cohort.worsened), (Some(2), Some(1)));
    let neutral = compare(&input(version(Polarity::Neutral), candidates.clone())).cohort_change.unwrap();
    assert_eq!((neutral.median_change, neutral.improved, neutral.worsened), (-2.0, None, None));
    candidates.drain(0..2);
    assert_eq!(compare(&input(lower(), candidates)).cohort_change, None, "one from each period");
}

#[test]
fn rates_are_ratios_of_sums_and_counts_add_up() {
    let part = |n, numerator, denominator| {
        let value = numerator / denominator * 100.0;
        candidate(n, "2020", Figure { numerator: Some(numerator), denominator: Some(denominator), ..Figure::of(value) })
    };
    let mut candidates = vec![part(1, 50.0, 100.0), part(2, 100.0, 900.0)];
    candidates.push(candidate(3, "2020", with_status(ObservationStatus::Missing)));
    let all = compare(&input(lower(), candidates.clone())).aggregate.unwrap();
    assert_eq!(
        all,
        Aggregate { value: 15.0, numerator: Some(150.0), denominator: Some(1_000.0), communities: 2, withheld: 0 }
    );
    let by = |measure, additivity| {
        compare(&input(IndicatorVersion { measure, additivity, ..lower() }, candidates.clone())).aggregate
    };
    assert_eq!(by(Measure::Percentage, Additivity::Sum), None, "percentages are not summed");
    assert_eq!(by(Measure::Percentage, Additivity::None), None);
    candidates[0].current.figure.denominator = None;
    assert_eq!(compare(&input(lower(), candidates)).aggregate, None, "a part of the sums would mislead");
    let counts = IndicatorVersion { measure: Measure::Count, additivity: Additivity::Sum, ..lower() };
    let all = compare(&input(counts, values(&[0.1, 0.2, 0.0]))).aggregate.unwrap();
    assert_eq!(all, Aggregate { value: 0.3, numerator: None, denominator: None, communities: 3, withheld: 0 });
}

#[test]
fn nobody_is_an_answer_too() {
    let mut nobody = input(lower(), Vec::new());
    let empty = compare(&nobody);
    assert_eq!((empty.period, empty.source, empty.distribution), (None, None, None));
    assert_eq!((empty.coverage.expected, empty.coverage.population_expected), (0, None));
    nobody.members = vec![member(1)];
    nobody.versions.clear();
    nobody.candidates = values(&[1.0]);
    assert_eq!(compare(&nobody).entries, [Entry { community: id(1), cell: None }], "the version is not known");
}

#[test]
fn strangers_say_nothing() {
    let mut input = input(lower(), values(&[1.0, 2.0, 3.0]));
    input.members.truncate(1);
    input.candidates[1].current.period = period("2022");
    input.candidates[2].current.period = period("2022");
    let comparison = compare(&input);
    assert_eq!((comparison.period, comparison.entries.len()), (Some(period("2020")), 1));
    assert_eq!(comparison.distribution.unwrap().maximum, 1.0);
}
