//! Change since the baseline.

use super::{
    Candidate,
    choose::value,
    number::{PERCENT_PLACES, clean, places},
};
use crate::{
    indicator::{IndicatorVersion, Measure},
    observation::ObservationStatus,
    series_break::Crossing,
};

/// The two values that change lies between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// The value now, v.
    pub now: f64,
    /// The value of the baseline, v0.
    pub start: f64,
}

/// A change in three ways of saying it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Change {
    /// v - v0, in the unit of the version; percentages in points.
    pub points: Option<f64>,
    /// 100 (v - v0) / |v0|.
    pub percent: Option<f64>,
    /// d (v - v0), d = +1 where more is better and -1 where less is.
    pub improvement: Option<f64>,
}

/// Whether the series breaks after the baseline, up to the figure itself. A baseline that is itself the break is the first
/// figure after it, and nothing lies between.
pub(super) fn is_broken(candidate: &Candidate) -> bool {
    candidate.broken_since_baseline
        || candidate.crossing == Crossing::Broken
        || candidate.baseline.as_ref().is_some_and(|baseline| {
            candidate.current.figure.status == ObservationStatus::SeriesBreak
                && baseline.period < candidate.current.period
        })
}

/// The two values, if one may be taken from the other: both there, of one series and hence of one version (or of two with a
/// bridge), by its definition, with no break between them that no bridge leads over, for earlier and later periods that
/// measure time alike. A figure that is its own baseline has not changed by zero; it has no change yet.
pub(super) fn pair(candidate: &Candidate) -> Option<Pair> {
    let (current, baseline) = (&candidate.current, candidate.baseline.as_ref()?);
    let differs = |status| status == ObservationStatus::DefinitionDiffers;
    let comparable = (baseline.series == current.series || matches!(candidate.crossing, Crossing::Bridged(_)))
        && !is_broken(candidate)
        && !differs(current.figure.status)
        && !differs(baseline.figure.status)
        && baseline.period < current.period
        && baseline.period.same_measure_of_time(&current.period);
    if !comparable {
        return None;
    }
    let start = value(&baseline.figure)?;
    let start = match candidate.crossing {
        Crossing::Bridged(bridge) => bridge.apply(start),
        Crossing::None | Crossing::Broken => start,
    };
    Some(Pair { now: value(&current.figure)?, start })
}

/// The change between two values. Percentages report points and no percent change, which would be read as points; nor is
/// there one from zero.
pub(super) fn change(Pair { now, start }: Pair, version: &IndicatorVersion) -> Change {
    let difference = now - start;
    let relative = version.measure != Measure::Percentage && start != 0.0;
    let signed = |sign: f64| clean(sign * difference, places(version));
    Change {
        points: clean(difference, places(version)),
        percent: relative.then(|| clean(100.0 * (difference / start.abs()), PERCENT_PLACES)).flatten(),
        improvement: version.polarity.sign().and_then(signed),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::{super::tests::version, *};
    use crate::indicator::Polarity;

    #[rstest]
    // Winnipeg, share of children in low income: 15.7 % in 2015, 9.8 % in 2020.
    #[case(Measure::Percentage, Polarity::LowerIsBetter, 9.8, 15.7, Some(-5.9), None, Some(5.9))]
    #[case(Measure::Rate, Polarity::LowerIsBetter, 9.8, 15.7, Some(-5.9), Some(-37.579_617_834), Some(5.9))]
    #[case(Measure::Count, Polarity::HigherIsBetter, 120.0, 80.0, Some(40.0), Some(50.0), Some(40.0))]
    #[case(Measure::Count, Polarity::Neutral, 120.0, 80.0, Some(40.0), Some(50.0), None)]
    #[case(Measure::Count, Polarity::HigherIsBetter, 3.0, 0.0, Some(3.0), None, Some(3.0))]
    #[case(Measure::Index, Polarity::HigherIsBetter, -1.0, -4.0, Some(3.0), Some(75.0), Some(3.0))]
    #[case(Measure::Index, Polarity::LowerIsBetter, 2.0, 2.0, Some(0.0), Some(0.0), Some(0.0))]
    #[case(Measure::Amount, Polarity::HigherIsBetter, f64::MAX, -f64::MAX, None, None, None)]
    fn change_is_said_in_three_ways(
        #[case] measure: Measure,
        #[case] polarity: Polarity,
        #[case] now: f64,
        #[case] start: f64,
        #[case] points: Option<f64>,
        #[case] percent: Option<f64>,
        #[case] improvement: Option<f64>,
    ) {
        let mut version = version(polarity);
        version.measure = measure;
        let found = change(Pair { now, start }, &version);
        assert_eq!(found, Change { points, percent, improvement });
        assert!(found.improvement.is_none_or(|zero| zero != 0.0 || zero.is_sign_positive()), "no negative zero");
    }

    proptest! {
        #[test]
        fn improvement_turns_with_polarity(now in any::<f64>(), start in any::<f64>()) {
            let by = |polarity| change(Pair { now, start }, &version(polarity)).improvement;
            let (more, less) = (by(Polarity::HigherIsBetter), by(Polarity::LowerIsBetter));
            prop_assert_eq!(more, less.map(|less| -less));
            prop_assert_eq!(by(Polarity::Neutral), None);
        }
    }
}
