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
#[case("2004Nov", "2004-11-01/P1Y", PeriodKind::FiscalYear)]
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
    assert!(matches!(Period::parse_year_span(text, None), Err(PeriodError::Ambiguous(_))));
    let fiscal = Period::parse_year_span(text, Some(4)).unwrap();
    assert_eq!((fiscal.kind(), fiscal.start().month()), (PeriodKind::FiscalYear, 4));
}

#[rstest]
#[case("2015", None, "2015")]
#[case("2015 Q4", None, "2015-Q4")]
#[case("2005-2007", None, "2005-01-01/P3Y")]
#[case("2017/2019", Some(4), "2017-01-01/P3Y")]
#[case("2009-10", None, "2009-10")]
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
#[case("deux mille")]
#[case("２００４")]
fn nonsense_is_refused(#[case] text: &str) {
    assert!(text.parse::<Period>().is_err());
    assert!(Period::parse_year_span(text, Some(4)).is_err());
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
    (0i64..2_900_000, prop_oneof![1i64..40, 80i64..100, 175i64..190, 360i64..370, 1_090i64..1_100]).prop_map(|(from, days)| {
        let start = day("1000-01-01") + chrono::Duration::days(from);
        (start, start + chrono::Duration::days(days))
    })
}

fn any_period() -> impl Strategy<Value = Period> {
    let aligned = (1000i32..9990, 1u32..=12, prop_oneof![Just(1u32), Just(2), Just(3), Just(6), Just(12), Just(24), Just(36), 1u32..90]);
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
