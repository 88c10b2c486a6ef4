//! What is doubtful, and what is not.

use proptest::{collection::vec, prelude::*};
use rstest::rstest;
use uuid::Uuid;

use super::*;
use crate::{
    error::Problems,
    indicator::{IndicatorVersion, Measure, tests::version},
    observation::Figure,
    period::Period,
};

fn limits(text: &str) -> Limits {
    let mut limits = Limits::default();
    for (name, value) in text.split(' ').filter_map(|pair| pair.split_once('=')) {
        let value = Some(value.parse().unwrap());
        match name {
            "minimum" => limits.minimum = value,
            "maximum" => limits.maximum = value,
            "deviations" => limits.deviations = value,
            "percent" => limits.percent = value,
            _ => limits.multiplier = value,
        }
    }
    limits
}

fn history(values: &[f64]) -> History {
    let past = |(place, &value): (usize, &f64)| {
        (Period::year(2000 + i32::try_from(place).unwrap()).unwrap(), Past { value, breaks: false })
    };
    History { values: values.iter().enumerate().map(past).collect(), ..History::default() }
}

/// The year after so many.
fn next(values: &[f64]) -> Period {
    Period::year(2000 + i32::try_from(values.len()).unwrap()).unwrap()
}

#[rstest]
#[case("minimum=2", 1.9, true)]
#[case("minimum=2", 2.0, false)]
#[case("maximum=30", 30.0, false)]
#[case("minimum=2 maximum=30", 30.1, true)]
fn a_plausible_range_holds_its_ends(#[case] given: &str, #[case] value: f64, #[case] doubtful: bool) {
    assert_eq!(range(value, &limits(given)).is_some(), doubtful);
}

#[rstest]
// Changes until then: 1, 0, 1, 0 with the median 0.5 and deviations of 0.5: 3 of them reach to 2.
#[case(&[10.0, 11.0, 11.0, 12.0, 12.0], 14.0, "deviations=3", false)]
#[case(&[10.0, 11.0, 11.0, 12.0, 12.0], 14.1, "deviations=3", true)]
#[case(&[10.0, 11.0, 11.0, 12.0, 12.0], 10.9, "deviations=3", true)]
// Three values say nothing yet.
#[case(&[10.0, 11.0, 12.0], 500.0, "deviations=3 percent=10", false)]
// What grows evenly may go on growing so.
#[case(&[10.0, 20.0, 30.0, 40.0], 50.0, "deviations=2", false)]
#[case(&[10.0, 20.0, 30.0, 40.0], 40.0, "deviations=2", true)]
// One unit of the last decimal is no jump in a series that never moved.
#[case(&[5.0, 5.0, 5.0, 5.0], 5.2, "deviations=2", false)]
#[case(&[5.0, 5.0, 5.0, 5.0], 5.3, "deviations=2", true)]
#[case(&[10.0, 11.0, 9.0, 10.0], 12.5, "percent=25", false)]
#[case(&[10.0, 11.0, 9.0, 10.0], 7.4, "percent=25", true)]
// There are no per cent of nothing.
#[case(&[1.0, 1.0, 1.0, 0.0], 900.0, "percent=25", false)]
fn a_jump_is_far_from_what_was_usual(
    #[case] values: &[f64],
    #[case] value: f64,
    #[case] given: &str,
    #[case] doubtful: bool,
) {
    let found = jump(value, next(values), &history(values), 1, &limits(given));
    assert_eq!(found.is_some(), doubtful, "{found:?}");
}

#[test]
fn a_break_begins_the_history_anew_and_what_comes_later_is_no_history() {
    let values = [10.0, 11.0, 90.0, 91.0, 90.0, 91.0];
    let mut kept = history(&values);
    let broken = Period::year(2002).unwrap();
    kept.values.insert(broken, Past { value: 90.0, breaks: true });
    assert_eq!(jump(92.0, next(&values), &kept, 1, &limits("percent=5")), None);
    // In 2004 only 2002 and 2003 lie before it.
    assert_eq!(jump(10.0, Period::year(2004).unwrap(), &kept, 1, &limits("percent=5")), None);
}

#[rstest]
// Until the first day of the oldest value, and from the end of the period looked at, a break leaves all values where they are.
#[case("2000-01-01", true)]
#[case("2006-01-01", true)]
// The period that it lies in was measured in both ways: four values are left, then three, then none.
#[case("2000-01-02", true)]
#[case("2001-01-01", true)]
#[case("2001-01-02", false)]
#[case("2005-01-01", false)]
#[case("2005-12-31", false)]
fn a_declared_break_begins_the_history_anew(#[case] day: &str, #[case] doubtful: bool) {
    let values = [10.0, 11.0, 10.0, 11.0, 10.0];
    let kept = History { breaks: [day.parse().unwrap()].into(), ..history(&values) };
    assert_eq!(jump(90.0, next(&values), &kept, 1, &limits("percent=5")).is_some(), doubtful);
}

#[rstest]
#[case(Some(10.0), &[Some(4.0), Some(6.0)], 0.0, false)]
#[case(Some(10.0), &[Some(4.0), Some(6.1)], 0.0, true)]
#[case(Some(10.0), &[Some(4.0), Some(6.1)], 1.0, false)]
#[case(Some(10.0), &[Some(4.0), Some(5.0)], 1.0, true)]
// Parts that are missing may be the rest; too much is too much all the same.
#[case(Some(10.0), &[Some(4.0), None], 1.0, false)]
#[case(Some(10.0), &[Some(11.0), None], 1.0, true)]
// One part alone need not be all there are.
#[case(Some(10.0), &[Some(4.0)], 1.0, false)]
#[case(None, &[Some(4.0), Some(5.0)], 1.0, false)]
#[case(Some(0.0), &[Some(0.0), Some(0.0)], 0.0, false)]
#[case(Some(0.3), &[Some(0.1), Some(0.2)], 0.0, false)]
#[case(Some(10.0), &[], 0.0, false)]
fn parts_add_up_to_the_total(
    #[case] total: Option<f64>,
    #[case] parts: &[Option<f64>],
    #[case] percent: f64,
    #[case] doubtful: bool,
) {
    let parts = parts.iter().enumerate().map(|(place, value)| (place.to_string(), *value)).collect();
    let found = total_against_parts("age", &Parts { total, parts }, &limits(&format!("percent={percent}")));
    assert_eq!(found.is_some(), doubtful, "{found:?}");
}

#[rstest]
#[case(Measure::Percentage, 25.0, 1.0, 4.0, "percent=1", false)]
#[case(Measure::Percentage, 25.2, 1.0, 4.0, "percent=1", false)]
#[case(Measure::Percentage, 25.3, 1.0, 4.0, "percent=1", true)]
// Rounded to one decimal it is right, however strict the rule.
#[case(Measure::Percentage, 33.3, 1.0, 3.0, "percent=0", false)]
#[case(Measure::Rate, 250.0, 1.0, 4.0, "percent=1 multiplier=1000", false)]
#[case(Measure::Rate, 25.0, 1.0, 4.0, "percent=1 multiplier=1000", true)]
// Nobody says by what it is multiplied.
#[case(Measure::Rate, 25.0, 1.0, 4.0, "percent=1", false)]
#[case(Measure::Rate, 1250.0, 5.0, 4.0, "percent=1 multiplier=1000", true)]
#[case(Measure::Index, 1.25, 5.0, 4.0, "percent=1 multiplier=1", false)]
fn a_ratio_is_what_its_parts_say(
    #[case] measure: Measure,
    #[case] value: f64,
    #[case] numerator: f64,
    #[case] denominator: f64,
    #[case] given: &str,
    #[case] doubtful: bool,
) {
    let version = IndicatorVersion { measure, ..version() };
    let figure = Figure { numerator: Some(numerator), denominator: Some(denominator), ..Figure::of(value) };
    let found = ratio(&figure, &version, &limits(given));
    assert_eq!(found.is_some(), doubtful, "{found:?}");
}

proptest! {
    #[test]
    fn what_repeats_the_value_before_it_jumps_by_no_per_cent(values in vec(-1e9..1e9f64, 0..30), percent in 0.1..100.0f64) {
        let value = values.last().copied().unwrap_or_default();
        let given = Limits { percent: Some(percent), ..Limits::default() };
        prop_assert_eq!(jump(value, next(&values), &history(&values), 1, &given), None);
    }

    #[test]
    fn a_laxer_rule_finds_no_more(values in vec(-1e6..1e6f64, 4..20), value in -1e6..1e6f64, k in 0.1..9.0f64, more in 0.0..9.0f64) {
        let found = |k: f64| {
            let given = Limits { deviations: Some(k), ..Limits::default() };
            jump(value, next(&values), &history(&values), 1, &given).is_some()
        };
        prop_assert!(found(k) || !found(k + more));
    }

    #[test]
    fn a_jump_does_not_depend_on_the_zero_of_the_scale(values in vec(-1000..1000i32, 4..20), value in -1000..1000i32, up in -1000..1000i32) {
        let found = |up: i32| {
            let moved: Vec<f64> = values.iter().map(|value| f64::from(value + up)).collect();
            let given = Limits { deviations: Some(3.5), ..Limits::default() };
            jump(f64::from(value + up), next(&moved), &history(&moved), 1, &given).is_some()
        };
        prop_assert_eq!(found(0), found(up));
    }

    #[test]
    fn the_sum_of_all_parts_is_no_contradiction(values in vec(0..1_000_000u32, 1..50), percent in 0.0..5.0f64) {
        let total = values.iter().map(|value| f64::from(*value)).sum();
        let parts = values.iter().enumerate().map(|(place, value)| (place.to_string(), Some(f64::from(*value)))).collect();
        let given = Limits { percent: Some(percent), ..Limits::default() };
        prop_assert_eq!(total_against_parts("age", &Parts { total: Some(total), parts }, &given), None);
    }
}

fn rule(check: QualityCheck, given: &str) -> QualityRule {
    QualityRule {
        network: None,
        community: Some(Uuid::nil().into()),
        indicator: Some(Uuid::nil().into()),
        check,
        limits: limits(given),
        effect: QualityEffect::Refuse,
        note: None,
    }
}

/// The fields at fault.
fn wrong(rule: &QualityRule) -> Vec<String> {
    let mut problems = Problems::default();
    Noun::check(rule, &mut problems);
    problems.iter().map(|problem| problem.path.to_string()).collect()
}

#[rstest]
#[case(QualityCheck::Range, "minimum=1", &[])]
#[case(QualityCheck::Range, "", &["minimum"])]
#[case(QualityCheck::Range, "minimum=3 maximum=2", &["maximum"])]
#[case(QualityCheck::Range, "minimum=-3 percent=2", &["percent"])]
#[case(QualityCheck::Range, "maximum=NaN", &["maximum"])]
#[case(QualityCheck::Jump, "deviations=3 percent=50", &[])]
#[case(QualityCheck::Jump, "", &["deviations"])]
#[case(QualityCheck::Jump, "deviations=0", &["deviations"])]
#[case(QualityCheck::TotalAgainstParts, "percent=0", &[])]
#[case(QualityCheck::TotalAgainstParts, "percent=-1", &["percent"])]
#[case(QualityCheck::Ratio, "multiplier=100", &["percent"])]
#[case(QualityCheck::Ratio, "percent=1 multiplier=100", &[])]
fn a_rule_has_the_numbers_that_belong_to_it(#[case] check: QualityCheck, #[case] given: &str, #[case] at: &[&str]) {
    assert_eq!(wrong(&rule(check, given)), at);
}

#[test]
fn a_rule_is_a_networks_or_a_communitys_and_networks_warn() {
    let jump = rule(QualityCheck::Jump, "percent=50");
    let network = QualityRule { network: Some(Uuid::nil().into()), community: None, ..jump.clone() };
    assert_eq!(wrong(&network), ["effect"]);
    assert!(wrong(&QualityRule { effect: QualityEffect::Warn, ..network.clone() }).is_empty());
    assert_eq!(wrong(&QualityRule { community: None, ..jump.clone() }), ["community"]);
    assert_eq!(
        wrong(&QualityRule { network: network.network, effect: QualityEffect::Warn, ..jump.clone() }),
        ["community"]
    );
    assert_eq!(wrong(&QualityRule { indicator: None, ..rule(QualityCheck::Range, "minimum=1") }), ["indicator"]);
    assert!(wrong(&QualityRule { indicator: None, ..jump }).is_empty());
}
