//! Invariants 1 to 4, each tried where it lives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::indicator::tests::version;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 15).unwrap()
}

fn refused(figure: &Figure, version: &IndicatorVersion, period: &str) -> Option<String> {
    figure.check(version, period.parse().unwrap(), today()).err().map(|problem| problem.path.to_string())
}

fn with(measure: Measure) -> IndicatorVersion {
    IndicatorVersion { measure, ..version() }
}

/// Invariant 1.
#[rstest]
#[case(Measure::Percentage, 0.0, true)]
#[case(Measure::Percentage, 100.0, true)]
#[case(Measure::Percentage, 100.1, false)]
#[case(Measure::Percentage, -0.1, false)]
#[case(Measure::Count, 3.0, true)]
#[case(Measure::Count, 3.5, false)]
#[case(Measure::Count, -1.0, false)]
#[case(Measure::Index, -12.5, true)]
#[case(Measure::Index, f64::NAN, false)]
#[case(Measure::Index, f64::INFINITY, false)]
fn a_value_lies_in_the_range_of_its_measure(#[case] measure: Measure, #[case] value: f64, #[case] good: bool) {
    assert_eq!(refused(&Figure::of(value), &with(measure), "2020").is_none(), good);
}

/// Invariant 1: unless the version says otherwise.
#[test]
fn a_declared_range_goes_before_the_measure() {
    let growth = IndicatorVersion { minimum: Some(-50.0), maximum: Some(250.0), ..version() };
    assert_eq!(refused(&Figure::of(-49.0), &growth, "2020"), None);
    assert_eq!(refused(&Figure::of(251.0), &growth, "2020").as_deref(), Some("value"));
    let open = IndicatorVersion { minimum: Some(-50.0), ..version() };
    assert_eq!(refused(&Figure::of(1_000.0), &open, "2020"), None);
}

/// Invariant 1: a range that is declared in part takes nothing else away.
#[rstest]
#[case(Measure::Percentage, Some(0.0), None, 100.1)]
#[case(Measure::Percentage, Some(20.0), None, 100.1)]
#[case(Measure::Percentage, None, Some(250.0), -0.1)]
#[case(Measure::Count, Some(-5.0), None, -3.0)]
#[case(Measure::Count, Some(-5.0), Some(5.0), -1.0)]
fn half_a_range_leaves_the_other_half(
    #[case] measure: Measure,
    #[case] minimum: Option<f64>,
    #[case] maximum: Option<f64>,
    #[case] outside: f64,
) {
    let version = IndicatorVersion { minimum, maximum, ..with(measure) };
    assert_eq!(refused(&Figure::of(outside), &version, "2020").as_deref(), Some("value"));
}

/// Invariant 2.
#[rstest]
#[case(Some(12.5), Some(1.0), Some(8.0), None)]
#[case(Some(33.3), Some(1.0), Some(3.0), None)]
#[case(Some(33.4), Some(1.0), Some(3.0), Some("value"))]
#[case(Some(12.5), Some(1.0), Some(0.0), Some("denominator"))]
#[case(Some(12.5), Some(-1.0), Some(8.0), Some("numerator"))]
#[case(Some(100.0), Some(9.0), Some(8.0), Some("numerator"))]
#[case(Some(12.5), None, Some(8.0), None)]
fn a_ratio_is_the_ratio_of_its_parts(
    #[case] value: Option<f64>,
    #[case] numerator: Option<f64>,
    #[case] denominator: Option<f64>,
    #[case] field: Option<&str>,
) {
    let version = IndicatorVersion { multiplier: Some(100.0), ..version() };
    let figure = Figure { value, numerator, denominator, ..Figure::of(0.0) };
    assert_eq!(refused(&figure, &version, "2020").as_deref(), field);
}

/// Invariant 2: also where the definition names no multiplier.
#[rstest]
#[case(Measure::Percentage, 12.0, true)]
#[case(Measure::Percentage, 55.0, false)]
#[case(Measure::Rate, 120.0, true)]
#[case(Measure::Rate, 121.0, false)]
#[case(Measure::Amount, 55.0, true)]
fn what_a_measure_is_of_its_parts_needs_no_word(#[case] measure: Measure, #[case] value: f64, #[case] good: bool) {
    let figure = Figure { numerator: Some(12.0), denominator: Some(100.0), ..Figure::of(value) };
    assert_eq!(refused(&figure, &with(measure), "2020").is_none(), good);
}

/// Invariant 3.
#[test]
fn there_is_no_value_exactly_if_the_status_says_so() {
    for &status in ObservationStatus::ALL {
        let with = Figure { status, ..Figure::of(1.0) };
        let without = Figure { value: None, ..with.clone() };
        let missing = ["L", "M", "O", "Q"].contains(&status.code());
        assert_eq!(refused(&with, &version(), "2020").is_some(), missing, "{status}");
        assert_eq!(refused(&without, &version(), "2020").is_none(), missing, "{status}");
    }
}

/// Invariant 4; that periods do not overlap is seen to where figures are recorded.
#[rstest]
#[case("2025", ObservationStatus::Normal, true)]
#[case("2026", ObservationStatus::Normal, false)]
#[case("2026", ObservationStatus::Forecast, true)]
#[case("2026-06-15", ObservationStatus::Normal, true)]
#[case("2026-06-16", ObservationStatus::Normal, false)]
fn only_a_forecast_speaks_of_the_future(#[case] period: &str, #[case] status: ObservationStatus, #[case] good: bool) {
    let figure = Figure { status, ..Figure::of(1.0) };
    assert_eq!(refused(&figure, &version(), period).is_none(), good);
}

#[test]
fn an_embargo_has_an_end_and_passes() {
    let end = "2026-01-01T00:00:00Z".parse().unwrap();
    let figure = Figure { confidentiality: Confidentiality::Embargoed, embargo_until: Some(end), ..Figure::of(1.0) };
    assert_eq!(refused(&figure, &version(), "2020"), None);
    assert!(!figure.is_public(end - chrono::TimeDelta::microseconds(1)) && figure.is_public(end));
    assert!(refused(&Figure { embargo_until: None, ..figure.clone() }, &version(), "2020").is_some());
    assert!(refused(&Figure { confidentiality: Confidentiality::Free, ..figure }, &version(), "2020").is_some());
}

proptest! {
    #[test]
    fn no_figure_makes_the_check_fail_itself(
        value in proptest::option::of(any::<f64>()), numerator in proptest::option::of(any::<f64>()),
        denominator in proptest::option::of(any::<f64>()), lower in proptest::option::of(any::<f64>()),
    ) {
        let figure = Figure { value, numerator, denominator, lower, ..Figure::of(0.0) };
        let version = IndicatorVersion { multiplier: Some(100_000.0), ..with(Measure::Rate) };
        if refused(&figure, &version, "2020").is_none() {
            prop_assert!(figure.value.is_some_and(f64::is_finite));
            prop_assert!(figure.lower.is_none_or(|lower| Some(lower) <= figure.value));
        }
    }
}
