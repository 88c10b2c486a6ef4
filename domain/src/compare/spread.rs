//! How values spread over communities, each counted once whatever its size.

use super::{
    Distribution,
    number::{clean, count},
};

/// The values in ascending order, ready for [`quartile`].
pub(super) fn ascending(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// So many quarters (0 to 4) of ascending finite values lie below this: linear interpolation at (n - 1) p, the type 7 of
/// Hyndman and Fan, “Sample Quantiles in Statistical Packages”, The American Statistician 50 (4), 1996. Kept to so many
/// decimals, and never outside the two values that it lies between.
pub(super) fn quartile(ascending: &[f64], quarters: usize, places: i32) -> Option<f64> {
    let position = ascending.len().checked_sub(1)? * quarters;
    let below = *ascending.get(position / 4)?;
    let weight = match position % 4 {
        0 => return Some(below),
        1 => 0.25,
        2 => 0.5,
        _ => 0.75,
    };
    let above = *ascending.get(position / 4 + 1)?;
    // Two products cannot overflow, where the difference of the two values could.
    clean(below * (1.0 - weight) + above * weight, places).map(|between| between.max(below).min(above))
}

/// Extremes and quartiles of ascending finite values; nothing if there are none.
pub(super) fn distribution(ascending: &[f64], places: i32) -> Option<Distribution> {
    Some(Distribution {
        count: count(ascending.len()),
        minimum: *ascending.first()?,
        lower_quartile: quartile(ascending, 1, places)?,
        median: quartile(ascending, 2, places)?,
        upper_quartile: quartile(ascending, 3, places)?,
        maximum: *ascending.last()?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[7.0], [7.0, 7.0, 7.0, 7.0, 7.0])]
    #[case(&[0.2, 0.1], [0.1, 0.125, 0.15, 0.175, 0.2])]
    #[case(&[4.0, 1.0, 3.0, 2.0], [1.0, 1.75, 2.5, 3.25, 4.0])]
    #[case(&[5.0, 1.0, 2.0, 4.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0])]
    // R: quantile(c(9.8, 15.7, 7.25, 12.1, 20.4, 11), type = 7)
    #[case(&[9.8, 15.7, 7.25, 12.1, 20.4, 11.0], [7.25, 10.1, 11.55, 14.8, 20.4])]
    fn quartiles_are_of_type_7(#[case] values: &[f64], #[case] expected: [f64; 5]) {
        let spread = distribution(&ascending(values.iter().copied()), 7).unwrap();
        let Distribution { count, minimum, lower_quartile, median, upper_quartile, maximum } = spread;
        assert_eq!([minimum, lower_quartile, median, upper_quartile, maximum], expected);
        assert_eq!(usize::try_from(count), Ok(values.len()));
    }

    #[test]
    fn nothing_spreads_over_nobody() {
        assert_eq!(distribution(&[], 7), None);
    }

    proptest! {
        #[test]
        fn quartiles_are_in_order(values in proptest::collection::vec(-1e308..1e308_f64, 1..40), places in 6..=12) {
            let spread = distribution(&ascending(values.into_iter()), places).unwrap();
            let five = [spread.minimum, spread.lower_quartile, spread.median, spread.upper_quartile, spread.maximum];
            prop_assert!(five.is_sorted() && five.iter().all(|value| value.is_finite()));
        }

        #[test]
        fn quartiles_turn_over_with_the_values(values in proptest::collection::vec(-1000..1000_i32, 1..40)) {
            let up = distribution(&ascending(values.iter().map(|&v| f64::from(v))), 7).unwrap();
            let down = distribution(&ascending(values.iter().map(|&v| f64::from(-v))), 7).unwrap();
            let turned = [down.upper_quartile, down.median, down.lower_quartile].map(|value| 0.0 - value);
            prop_assert_eq!([up.lower_quartile, up.median, up.upper_quartile], turned);
        }
    }
}
