use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[rstest]
#[case("2004", "2004", PeriodKind::Year)]
#[case("2004-A1", "2004", PeriodKind::Year)]
#[case("2004-01-01/P1Y", "2004", PeriodKind::Year)]
#[case("2004-01-01/P12M", "2004", PeriodKind::Year)]
#[case("2004-01-01/2004-12-31", "2004", PeriodKind::Year)]
#[case("2004S1", "2004-S1", PeriodKind::HalfYear)]
#[case("2020-S2", "2020-S2", PeriodKind::HalfYear)]
#[case("2004AprilS1", "2004-04-01/P6M", PeriodKind::HalfYear)]
#[case("2004AprilS2", "2004-10-01/P6M", PeriodKind::HalfYear)]
#[case("2004April", "2004-04-01/P1Y", PeriodKind::FiscalYear)]
#[case("2004July", "2004-07-01/P1Y", PeriodKind::FiscalYear)]
#[case("2004Oct", "2004-10-01/P1Y", PeriodKind::FiscalYear)]
#[case("2004Feb", "2004-02-01/P1Y", PeriodKind::FiscalYear)]
#[case("2004Aug", "2004-08-01/P1Y", PeriodKind::FiscalYear)]
#[case("2004Sep", "2004-09-01/P1Y", PeriodKind::FiscalYear)]
#[case("2004Nov", "2003-11-01/P1Y", PeriodKind::FiscalYear)]
#[case("2004NovS1", "2003-11-01/P6M", PeriodKind::HalfYear)]
#[case("2004NovS2", "2004-05-01/P6M", PeriodKind::HalfYear)]
#[case("2004Q1", "2004-Q1", PeriodKind::Quarter)]
#[case("2015 Q4", "2015-Q4", PeriodKind::Quarter)]
#[case("2020-Q1", "2020-Q1", PeriodKind::Quarter)]
#[case("200401B", "2004-01-01/P2M", PeriodKind::TwoMonths)]
#[case("200406B", "2004-11-01/P2M", PeriodKind::TwoMonths)]
#[case("200403", "2004-03", PeriodKind::Month)]
#[case("2020-03", "2020-03", PeriodKind::Month)]
#[case("2020-M03", "2020-03", PeriodKind::Month)]
#[case("2023-07-01/P1M", "2023-07", PeriodKind::Month)]
#[case("2004W10", "2004-W10", PeriodKind::Week)]
#[case("2004W9", "2004-W09", PeriodKind::Week)]
#[case("2020-W53", "2020-W53", PeriodKind::Week)]
#[case("2004-03-01/P1W", "2004-W10", PeriodKind::Week)]
#[case("20040315", "2004-03-15", PeriodKind::Day)]
#[case("2004-D075", "2004-03-15", PeriodKind::Day)]
#[case("2004-03-15/P1D", "2004-03-15", PeriodKind::Day)]
#[case("2016-01-01/P3Y", "2016-01-01/P3Y", PeriodKind::MultiYear)]
#[case("2020-01-01/P5Y", "2020-01-01/P5Y", PeriodKind::MultiYear)]
#[case("2015-11-16/P1Y", "2015-11-16/P1Y", PeriodKind::Range)]
#[case("2015-11-16/P17D", "2015-11-16/P17D", PeriodKind::Range)]
#[case("2021-02-01/P3M", "2021-02-01/P3M", PeriodKind::Range)]
fn every_spelling_is_read(#[case] text: &str, #[case] canonical: &str, #[case] kind: PeriodKind) {
    let period: Period = text.parse().unwrap();
    assert_eq!((period.to_string().as_str(), period.kind()), (canonical, kind));
}

#[rstest]
#[case("2014/2015")]
#[case("2015-2016")]
#[case("2017-18")]
#[case("2014/15")]
fn spans_of_two_years_have_two_meanings(#[case] text: &str) {
    assert!(matches!(text.parse::<Period>(), Err(PeriodError::Ambiguous(_))));
    assert_needs_a_fiscal_year(text);
}

/// Where labels of years are expected, these may be months as well, and neither is guessed.
#[rstest]
#[case("2009-10")]
#[case("2000-01")]
#[case("2011-12")]
fn labels_of_years_that_may_be_months_have_two_meanings(#[case] text: &str) {
    assert_eq!(text.parse::<Period>().unwrap().kind(), PeriodKind::Month);
    assert_needs_a_fiscal_year(text);
}

fn assert_needs_a_fiscal_year(text: &str) {
    assert!(matches!(Period::parse_year_span(text, None), Err(PeriodError::Ambiguous(_))));
    let fiscal = Period::parse_year_span(text, Some(4)).unwrap();
    assert_eq!((fiscal.kind(), fiscal.start().month()), (PeriodKind::FiscalYear, 4));
}

#[rstest]
#[case("2015", None, "2015")]
#[case("2015 Q4", None, "2015-Q4")]
#[case("2005-2007", None, "2005-01-01/P3Y")]
#[case("2017/2019", Some(4), "2017-01-01/P3Y")]
#[case("2009-M10", None, "2009-10")]
#[case("2009-01", None, "2009-01")]
#[case("2009-10", Some(4), "2009-04-01/P1Y")]
#[case("1999-00", Some(4), "1999-04-01/P1Y")]
fn year_labels_are_read(#[case] text: &str, #[case] fiscal: Option<u32>, #[case] canonical: &str) {
    assert_eq!(Period::parse_year_span(text, fiscal).unwrap().to_string(), canonical);
}

#[rstest]
#[case("")]
#[case("20")]
#[case("2004Q5")]
#[case("2004-13")]
#[case("2004-02-30")]
#[case("2021-W53")]
#[case("0999")]
#[case("2004-01-01/P0Y")]
#[case("2004-01-01/P1Y2M")]
#[case("2004-01-01/2003-01-01")]
#[case("2004-01-01/P99999Y")]
#[case("2004_03")]
#[case("2004 March")]
#[case("2004-Oct")]
#[case("2004Mar")]
#[case("2004OctS1")]
#[case("1000Nov")]
#[case("2004--Q1")]
#[case("2004-01-01/P+1Y")]
#[case("2004-01-01/PY")]
#[case("deux mille")]
#[case("２００４")]
fn nonsense_is_refused(#[case] text: &str) {
    assert!(text.parse::<Period>().is_err());
    assert!(Period::parse_year_span(text, Some(4)).is_err());
}

#[rstest]
#[case("2014/2015", Some(1))]
#[case("2014-15", Some(0))]
#[case("2009-10", Some(1))]
#[case("2009-10", Some(13))]
fn a_fiscal_year_does_not_start_in_any_month(#[case] text: &str, #[case] month: Option<u32>) {
    assert!(matches!(Period::parse_year_span(text, month), Err(PeriodError::FiscalStart { .. })));
}

#[rstest]
#[case(Period::fiscal_year(2014, 4), Some("2014-04-01/P1Y"))]
#[case(Period::fiscal_year(2014, 1), None)]
#[case(Period::fiscal_year(2014, 13), None)]
#[case(Period::half_year(2020, 2), Some("2020-S2"))]
#[case(Period::half_year(2020, 3), None)]
#[case(Period::quarter(2020, 4), Some("2020-Q4"))]
#[case(Period::quarter(2020, 0), None)]
#[case(Period::quarter(2020, u32::MAX), None)]
#[case(Period::two_months(2020, 6), Some("2020-11-01/P2M"))]
#[case(Period::two_months(2020, 7), None)]
#[case(Period::month(2020, 2), Some("2020-02"))]
#[case(Period::month(2020, 13), None)]
#[case(Period::multi_year(2016, 1, 3), Some("2016-01-01/P3Y"))]
#[case(Period::multi_year(2016, 1, 1), None)]
#[case(Period::multi_year(2016, 1, u32::MAX), None)]
#[case(Period::week(2021, 53), None)]
#[case(Period::range(day("2015-11-16"), day("2015-12-03")), Some("2015-11-16/P17D"))]
#[case(Period::range(day("2015-01-01"), day("2016-01-01")), None)]
#[case(Period::range(day("2015-01-01"), day("2015-01-01")), None)]
fn each_kind_is_made_of_its_parts(#[case] made: Result<Period, PeriodError>, #[case] expected: Option<&str>) {
    assert_eq!(made.ok().map(|period| period.to_string()).as_deref(), expected);
}

#[test]
fn a_period_ends_after_the_days_before_its_last() {
    let year = Period::year(2020).unwrap();
    assert!(year.ends_after(day("2020-12-30")) && !year.ends_after(day("2020-12-31")));
}

#[test]
fn november_of_the_last_year_has_no_name_in_dhis2() {
    assert_eq!(Period::fiscal_year(9999, 11).unwrap().to_dhis2(), None);
    assert_eq!(Period::fiscal_year(2003, 11).unwrap().to_dhis2().as_deref(), Some("2004Nov"));
}

#[test]
fn january_is_not_the_year_it_begins() {
    assert_ne!("2026-01".parse::<Period>().unwrap(), "2026".parse::<Period>().unwrap());
}

#[rstest]
#[case("2015", "2023", true)]
#[case("2015", "2015-01", false)]
#[case("2014April", "2015April", true)]
#[case("2014April", "2015July", false)]
#[case("2016-01-01/P3Y", "2017-01-01/P3Y", true)]
#[case("2016-01-01/P3Y", "2016-01-01/P5Y", false)]
#[case("2015-11-16/P1Y", "2016-11-16/P1Y", true)]
#[case("2004S1", "2004S2", true)]
#[case("2004S1", "2004AprilS1", false)]
fn only_like_spans_are_compared(#[case] a: &str, #[case] b: &str, #[case] same: bool) {
    assert_eq!(a.parse::<Period>().unwrap().same_measure_of_time(&b.parse().unwrap()), same);
}

#[test]
fn the_middle_of_a_year_is_half_past_it() {
    assert!((Period::year(2020).unwrap().midpoint_years() - 2020.5).abs() < 1e-9);
}

fn dates() -> impl Strategy<Value = (NaiveDate, NaiveDate)> {
    (0i64..2_900_000, prop_oneof![1i64..40, 80i64..100, 175i64..190, 360i64..370, 1_090i64..1_100]).prop_map(
        |(from, days)| {
            let start = day("1000-01-01") + chrono::Duration::days(from);
            (start, start + chrono::Duration::days(days))
        },
    )
}

fn any_period() -> impl Strategy<Value = Period> {
    let aligned = (
        1000i32..9990,
        1u32..=12,
        prop_oneof![Just(1u32), Just(2), Just(3), Just(6), Just(12), Just(24), Just(36), 1u32..90],
    );
    prop_oneof![
        dates().prop_map(|(start, end)| Period::from_dates(start, end).unwrap()),
        aligned.prop_map(|(year, month, months)| Period::months(year, month, months).unwrap()),
        (1000i32..=9999, 1u32..=52).prop_map(|(year, week)| Period::week(year, week).unwrap()),
    ]
}

proptest! {
    #[test]
    fn a_period_comes_back_as_it_went(period in any_period()) {
        prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
        prop_assert_eq!(period.to_sdmx().parse::<Period>(), Ok(period));
        prop_assert_eq!(Period::from_parts(period.kind(), period.start(), period.end()), Ok(period));
        if let Some(dhis2) = period.to_dhis2() {
            prop_assert_eq!(dhis2.parse::<Period>(), Ok(period));
        }
        let json = serde_json::to_string(&period).unwrap();
        prop_assert_eq!(serde_json::from_str::<Period>(&json).unwrap(), period);
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in "[0-9/PYMDWQS -]{0,24}|.{0,30}") {
        let _ = text.parse::<Period>();
        let _ = Period::parse_year_span(&text, Some(4));
    }

    #[test]
    fn what_is_read_prints_to_what_is_read_again(text in "[12][0-9]{3}(-?[0-9QSWDM]{1,3}){0,2}") {
        if let Ok(period) = text.parse::<Period>() {
            prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
        }
    }

    #[test]
    fn aligned_periods_of_a_kind_are_the_same_or_apart(a in any_period(), b in any_period()) {
        if a.kind() == b.kind() && a.kind().is_aligned() {
            prop_assert!(a == b || !a.overlaps(&b));
        }
    }

    #[test]
    fn the_latest_sorts_last(a in any_period(), b in any_period()) {
        if a.end() < b.end() {
            prop_assert!(a < b);
        }
        prop_assert!(a.last_day() >= a.start() && a.days() >= 1);
    }
}
