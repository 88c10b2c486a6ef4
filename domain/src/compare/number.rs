//! Arithmetic that several figures share: doubles without their noise, sums that do not depend on their order.

use std::cmp::Reverse;

use crate::indicator::IndicatorVersion;

/// Decimals kept beyond those that the indicator shows.
const GUARD_DECIMALS: i32 = 6;
/// Decimals kept of percentages of our own making, which have no indicator to say how many they show.
pub(super) const PERCENT_PLACES: i32 = 9;
/// A double keeps 15 decimal digits; a figure that uses them all is not rounded.
const ALL_DIGITS: f64 = 1e15;

/// How many decimals derived figures in the unit of this version keep.
pub(super) fn places(version: &IndicatorVersion) -> i32 {
    version.decimals.clamp(0, 6) + GUARD_DECIMALS
}

/// The double nearest to `value` with so many decimals (0 to 12); nothing if it is not a finite number.
///
/// Binary subtraction leaves noise: 15.7 - 9.8 is 5.8999999999999995. Rounding far below what is shown removes it and moves
/// no figure by more than half a unit of the last place kept, at most 0.0000005. A negative zero becomes zero.
pub(super) fn clean(value: f64, places: i32) -> Option<f64> {
    if !value.is_finite() {
        return None;
    }
    // Powers of ten up to 22 are exact, so that the quotient is the double nearest to the decimal.
    let scale = 10f64.powi(places);
    let scaled = value * scale;
    let rounded = if scaled.abs() < ALL_DIGITS { scaled.round() / scale } else { value };
    Some(rounded + 0.0)
}

/// The sum, the same in whatever order the terms come, to nearly the last bit (Neumaier 1974). Not finite on overflow.
pub(super) fn total(terms: impl Iterator<Item = f64>) -> f64 {
    let mut terms: Vec<f64> = terms.collect();
    terms.sort_unstable_by(f64::total_cmp);
    let (mut sum, mut lost) = (0.0, 0.0);
    for term in terms {
        let next: f64 = sum + term;
        lost += if f64::abs(sum) >= term.abs() { (sum - next) + term } else { (term - next) + sum };
        sum = next;
    }
    sum + lost
}

/// The item that occurs most often; of several, the smallest.
pub(super) fn most_common<T: Ord + Copy>(mut items: Vec<T>) -> Option<T> {
    items.sort_unstable();
    let runs = items.chunk_by(T::eq);
    runs.min_by_key(|run| Reverse(run.len())).and_then(|run| run.first().copied())
}

/// A length as the schema counts.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(9.8 - 15.7, 7, Some(-5.9))]
    #[case(0.1 + 0.2, 7, Some(0.3))]
    #[case(-0.000_000_01, 7, Some(0.0))]
    #[case(1e300, 12, Some(1e300))]
    #[case(f64::INFINITY, 7, None)]
    #[case(f64::NAN, 7, None)]
    fn noise_is_rounded_away(#[case] value: f64, #[case] places: i32, #[case] clean_value: Option<f64>) {
        assert_eq!(clean(value, places), clean_value);
        assert!(clean(value, places).is_none_or(|value| !(value == 0.0 && value.is_sign_negative())));
    }

    #[test]
    fn the_most_common_is_found_and_ties_go_to_the_smallest() {
        assert_eq!(most_common(vec![3, 1, 3, 2]), Some(3));
        assert_eq!(most_common(vec![3, 1, 3, 1, 2]), Some(1));
        assert_eq!(most_common(vec![1, 3, 3, 1].into_iter().map(Reverse).collect()), Some(Reverse(3)));
        assert_eq!(most_common(Vec::<u8>::new()), None);
    }

    #[test]
    fn a_sum_loses_no_small_terms() {
        let terms = [1e16, 1.0, -1e16, 1.0];
        assert!((total(terms.into_iter()) - 2.0).abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn rounding_moves_a_figure_by_less_than_a_millionth(value in any::<f64>(), decimals in 0..=6) {
            match clean(value, decimals + GUARD_DECIMALS) {
                Some(rounded) => prop_assert!((rounded - value).abs() < 1e-6),
                None => prop_assert!(!value.is_finite()),
            }
        }

        #[test]
        fn a_sum_does_not_depend_on_the_order(mut terms in proptest::collection::vec(-1e30..1e30_f64, 0..20)) {
            // Terms that cancel bring to light what the others lost beside them.
            terms.splice(0..0, [0.1, 1e35, -1e35]);
            let forwards = total(terms.iter().copied());
            terms.reverse();
            prop_assert_eq!(forwards.to_bits(), total(terms.into_iter()).to_bits());
        }

        #[test]
        fn rounding_twice_changes_nothing(value in -1e9..1e9, places in 6..=12) {
            let once = clean(value, places);
            prop_assert_eq!(once.and_then(|once| clean(once, places)), once);
        }
    }
}
