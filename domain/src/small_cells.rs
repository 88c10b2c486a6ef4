//! Small cells: figures behind which so few persons stand that somebody could be recognised.
//!
//! The house's reference: counts of 1 to 9 are suppressed by default, those below 16 flagged; a total needs at least three
//! contributing communities, none of them above 80 %; derived rates, complements and differencing stay closed too. A network
//! may be stricter, never laxer. What is suppressed is so at the moment of reading (domain invariant 15), and zero is shown:
//! suppressed is never zero (invariant 3).

use serde::{Deserialize, Serialize};

use crate::{
    error::{ProblemCode, Problems},
    indicator::{IndicatorVersion, Measure},
    observation::Figure,
};

/// The largest count below which any network may suppress: no larger one is ever asked for.
pub const LARGEST_THRESHOLD: i32 = 100;

/// What a network withholds because few stand behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SuppressionPolicy {
    /// Figures behind which fewer persons stand are read only by those who answer for them, 10 to 100.
    pub suppress_below: i32,
    /// Figures behind which fewer stand carry a warning, up to 200 and not less than `suppress_below`: chance alone moves
    /// them widely. Of 16 cases the relative standard error of a Poisson count, 1 / sqrt(n), is 25 %.
    pub flag_below: i32,
    /// A total needs so many communities, 3 to 100.
    pub minimum_communities: i32,
    /// No community makes up more of a total than this, in percent, 50 to 80.
    pub maximum_share: f64,
}

impl Default for SuppressionPolicy {
    fn default() -> Self {
        Self { suppress_below: 10, flag_below: 16, minimum_communities: 3, maximum_share: 80.0 }
    }
}

impl SuppressionPolicy {
    /// Notes whatever is laxer than the default, or beyond what makes sense. `path` is the field that holds the policy.
    pub(crate) fn check(&self, problems: &mut Problems, path: &str) {
        let least = Self::default();
        let mut within = |holds: bool, field: &str, range: String| {
            problems.require(holds, format!("{path}.{field}"), ProblemCode::OutOfRange, format!("it is {range}"));
        };
        let range = least.suppress_below..=LARGEST_THRESHOLD;
        within(range.contains(&self.suppress_below), "suppressBelow", spelled(&range));
        let range = self.suppress_below.max(least.flag_below)..=200;
        within(range.contains(&self.flag_below), "flagBelow", spelled(&range));
        let range = least.minimum_communities..=100;
        within(range.contains(&self.minimum_communities), "minimumCommunities", spelled(&range));
        let range = 50.0..=least.maximum_share;
        within(range.contains(&self.maximum_share), "maximumShare", format!("50 to {}", least.maximum_share));
    }
}

fn spelled(range: &std::ops::RangeInclusive<i32>) -> String {
    format!("{} to {}", range.start(), range.end())
}

/// The smallest number of persons, 1 to 99, that a figure tells of or lets be worked out: those counted, those above the line
/// of a ratio and those below it, and the rest. None where there are more, none at all, or nothing is told of persons.
///
/// Where a ratio and one of its parts are given, the other part is as good as given: 2 % of 150 are 3 persons. Nobody is
/// no small group, so that zero is shown; but where nobody of seven is counted, seven are known to be without.
pub fn smallest_count(version: &IndicatorVersion, figure: &Figure) -> Option<i32> {
    if !version.counts_persons {
        return None;
    }
    let counted = if version.measure == Measure::Count { figure.value } else { None };
    let (above, below) = parts(version, figure);
    let rest = above.zip(below).map(|(above, below)| below - above);
    [counted, above, below, rest].into_iter().flatten().filter_map(small).min()
}

/// The persons above and below the line, given or worked out. Only ratios have persons above it: an average income is money
/// by persons.
fn parts(version: &IndicatorVersion, figure: &Figure) -> (Option<f64>, Option<f64>) {
    let multiplier = match version.measure {
        Measure::Percentage => version.multiplier.or(Some(100.0)),
        Measure::Count | Measure::Rate => version.multiplier,
        Measure::Amount | Measure::Duration | Measure::Index | Measure::Other => return (None, figure.denominator),
    };
    let ratio = figure.value.zip(multiplier).map(|(value, multiplier)| value / multiplier);
    match (figure.numerator, figure.denominator, ratio) {
        (Some(above), None, Some(ratio)) if ratio > 0.0 => (Some(above), Some((above / ratio).round())),
        // Somebody is there, however the ratio is rounded.
        (None, Some(below), Some(ratio)) if ratio > 0.0 => (Some((below * ratio).round().max(1.0)), Some(below)),
        (above, below, _) => (above, below),
    }
}

/// A count of 1 to 99. Estimates need not be whole: whatever lies below a threshold does so without its decimals, too.
#[allow(clippy::cast_possible_truncation)] // below a hundred
fn small(count: f64) -> Option<i32> {
    (count > 0.0 && count < f64::from(LARGEST_THRESHOLD)).then(|| count.floor().max(1.0) as i32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::indicator::tests::version;

    fn of(measure: Measure) -> IndicatorVersion {
        let multiplier = match measure {
            Measure::Percentage => Some(100.0),
            Measure::Rate => Some(100_000.0),
            _ => None,
        };
        IndicatorVersion { measure, multiplier, ..version() }
    }

    fn figure(value: Option<f64>, numerator: Option<f64>, denominator: Option<f64>) -> Figure {
        Figure { value, numerator, denominator, ..Figure::of(0.0) }
    }

    #[rstest]
    #[case::few(Measure::Count, Some(9.0), None, None, Some(9))]
    #[case::more(Measure::Count, Some(99.0), None, None, Some(99))]
    #[case::many(Measure::Count, Some(100.0), None, None, None)]
    #[case::nobody(Measure::Count, Some(0.0), None, None, None)]
    #[case::no_count(Measure::Other, Some(5.0), None, None, None)]
    #[case::a_bare_percentage(Measure::Percentage, Some(5.0), None, None, None)]
    #[case::above_the_line(Measure::Percentage, Some(1.0), Some(5.0), Some(500.0), Some(5))]
    #[case::the_rest(Measure::Percentage, Some(99.0), Some(495.0), Some(500.0), Some(5))]
    #[case::below_the_line(Measure::Percentage, Some(50.0), Some(4.0), Some(8.0), Some(4))]
    #[case::nobody_of_many(Measure::Percentage, Some(0.0), Some(0.0), Some(500.0), None)]
    #[case::nobody_of_few(Measure::Percentage, Some(0.0), Some(0.0), Some(7.0), Some(7))]
    #[case::all_of_many(Measure::Percentage, Some(100.0), Some(500.0), Some(500.0), None)]
    #[case::worked_out_above(Measure::Percentage, Some(2.0), None, Some(150.0), Some(3))]
    #[case::worked_out_above_though_rounded(Measure::Percentage, Some(0.1), None, Some(150.0), Some(1))]
    #[case::worked_out_below(Measure::Percentage, Some(95.0), Some(114.0), None, Some(6))]
    #[case::no_ratio_of_nobody(Measure::Percentage, Some(0.0), Some(0.0), None, None)]
    #[case::a_rate(Measure::Rate, Some(4.0), Some(8.0), Some(200_000.0), Some(8))]
    #[case::more_events_than_persons(Measure::Rate, Some(150_000.0), Some(300.0), Some(200.0), None)]
    #[case::money_by_persons(Measure::Amount, Some(40_000.0), Some(7.0), Some(12.0), Some(12))]
    #[case::weighted(Measure::Percentage, Some(1.0), Some(9.7), Some(970.0), Some(9))]
    #[case::less_than_one(Measure::Percentage, Some(0.1), Some(0.4), Some(400.0), Some(1))]
    fn the_smallest_count_is_that_of_any_group_told_of(
        #[case] measure: Measure,
        #[case] value: Option<f64>,
        #[case] numerator: Option<f64>,
        #[case] denominator: Option<f64>,
        #[case] smallest: Option<i32>,
    ) {
        let figure = figure(value, numerator, denominator);
        assert_eq!(smallest_count(&of(measure), &figure), smallest);
        let of_things = IndicatorVersion { counts_persons: false, ..of(measure) };
        assert_eq!(smallest_count(&of_things, &figure), None);
    }

    #[rstest]
    #[case(|_: &mut SuppressionPolicy| (), None)]
    #[case(|p: &mut SuppressionPolicy| { p.suppress_below = 30; p.flag_below = 30 }, None)]
    #[case(|p: &mut SuppressionPolicy| p.suppress_below = 9, Some("suppression.suppressBelow"))]
    #[case(|p: &mut SuppressionPolicy| { p.suppress_below = 101; p.flag_below = 120 }, Some("suppression.suppressBelow"))]
    #[case(|p: &mut SuppressionPolicy| p.suppress_below = 20, Some("suppression.flagBelow"))]
    #[case(|p: &mut SuppressionPolicy| p.flag_below = 15, Some("suppression.flagBelow"))]
    #[case(|p: &mut SuppressionPolicy| p.flag_below = 201, Some("suppression.flagBelow"))]
    #[case(|p: &mut SuppressionPolicy| p.minimum_communities = 2, Some("suppression.minimumCommunities"))]
    #[case(|p: &mut SuppressionPolicy| p.maximum_share = 80.1, Some("suppression.maximumShare"))]
    #[case(|p: &mut SuppressionPolicy| p.maximum_share = f64::NAN, Some("suppression.maximumShare"))]
    fn a_network_may_be_stricter_and_never_laxer(
        #[case] change: fn(&mut SuppressionPolicy),
        #[case] field: Option<&str>,
    ) {
        let mut policy = SuppressionPolicy::default();
        change(&mut policy);
        let mut problems = Problems::default();
        policy.check(&mut problems, "suppression");
        let found: Vec<_> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(found, field.into_iter().collect::<Vec<_>>());
    }

    proptest! {
        /// Whatever two of value, numerator and denominator of a percentage are given, and however its value is rounded, a
        /// group below the default is found. It is not found where no group is anywhere near.
        #[test]
        fn a_small_group_is_found_from_any_two_parts(below in 1..2_000u32, share in 0.0..=1.0f64, given in 0..4usize) {
            let above = (f64::from(below) * share).round();
            let below = f64::from(below);
            let percent = (above / below * 100.0 * 1e6).round() / 1e6;
            let figure = match given {
                0 => figure(Some(percent), Some(above), Some(below)),
                1 => figure(Some(percent), Some(above), None),
                2 => figure(Some(percent), None, Some(below)),
                _ => figure(None, Some(above), Some(below)),
            };
            let groups = [above, below, below - above];
            let least = groups.into_iter().filter(|&group| group > 0.0).fold(f64::INFINITY, f64::min);
            // From nobody counted alone, nothing follows of the others.
            let told = given != 1 || above > 0.0;
            let found = smallest_count(&of(Measure::Percentage), &figure).map(f64::from);
            prop_assert_eq!(found, (told && least < 100.0).then_some(least));
        }

        #[test]
        fn no_figure_makes_the_rule_fail(
            value in proptest::option::of(any::<f64>()), numerator in proptest::option::of(any::<f64>()),
            denominator in proptest::option::of(any::<f64>()), measure in proptest::sample::select(Measure::ALL.to_vec()),
        ) {
            let found = smallest_count(&of(measure), &figure(value, numerator, denominator));
            prop_assert!(found.is_none_or(|found| (1..LARGEST_THRESHOLD).contains(&found)));
        }
    }
}
