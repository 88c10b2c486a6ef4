//! Standing among the compared: percentile and rank.

use super::{
    Rank,
    choose::value,
    number::{PERCENT_PLACES, clean, count},
};
use crate::{indicator::Polarity, observation::Figure};

/// Below this many compared communities a percentile says nothing. The house's reference, “Comparing communities”, 7.
pub const PEERS: u32 = 5;

/// The compared figures in order, all counted so that more is better. Places are found by binary search.
pub(super) struct Standing {
    sign: f64,
    values: Vec<f64>,
    /// The worse and the better ends of all 95 % intervals, each in order; nothing unless every figure has both limits.
    ends: Option<(Vec<f64>, Vec<f64>)>,
}

/// A figure on the scale where more is better.
struct Place {
    value: f64,
    interval: Option<(f64, f64)>,
}

fn place(figure: &Figure, sign: f64) -> Option<Place> {
    let value = sign * value(figure)? + 0.0;
    let limit = |limit: Option<f64>| limit.filter(|limit| limit.is_finite()).map(|limit| sign * limit + 0.0);
    let limits = limit(figure.lower).zip(limit(figure.upper));
    // The value lies within its interval whatever was recorded, so that the span of a rank holds its position.
    let interval = limits.map(|(a, b)| (a.min(b).min(value), a.max(b).max(value)));
    Some(Place { value, interval })
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn below(sorted: &[f64], value: f64) -> u32 {
    count(sorted.partition_point(|&other| other < value))
}

fn above(sorted: &[f64], value: f64) -> u32 {
    count(sorted.len() - sorted.partition_point(|&other| other <= value))
}

impl Standing {
    /// The order of these figures; nothing for a neutral indicator, where none is better than another.
    pub(super) fn of<'a>(figures: impl Iterator<Item = &'a Figure>, polarity: Polarity) -> Option<Self> {
        let sign = polarity.sign()?;
        let places: Vec<Place> = figures.filter_map(|figure| place(figure, sign)).collect();
        let intervals: Option<Vec<(f64, f64)>> = places.iter().map(|place| place.interval).collect();
        let ends = intervals.map(|ends| (sorted(ends.iter().map(|end| end.0)), sorted(ends.iter().map(|end| end.1))));
        Some(Self { sign, values: sorted(places.iter().map(|place| place.value)), ends })
    }

    fn size(&self) -> u32 {
        count(self.values.len())
    }

    /// 100 (worse + ties / 2) / (N - 1), in percent, the figure itself left out; nothing below [`PEERS`]. The figure must be
    /// one of those compared. The house's reference, “Comparing communities”, 7.
    pub(super) fn percentile(&self, figure: &Figure) -> Option<f64> {
        if self.size() < PEERS {
            return None;
        }
        let value = place(figure, self.sign)?.value;
        let (worse, better) = (f64::from(below(&self.values, value)), f64::from(above(&self.values, value)));
        let others = f64::from(self.size() - 1);
        let ties = others - worse - better;
        clean(100.0 * (worse + ties / 2.0) / others, PERCENT_PLACES)
    }

    /// The place from best (1) to worst, equal values sharing the better place (1224). With limits on all figures, also the
    /// span that they leave open: those whose whole interval lies on the better side are certainly before it, those whose
    /// whole interval lies on the worse side certainly behind it. Intervals that do not meet are a stricter sign of a
    /// difference than 1.96 combined standard errors, so the span is rather too wide than too narrow.
    ///
    /// A rank asks for no more than two: whoever asks for a league table gets one, with the span that qualifies it.
    pub(super) fn rank(&self, figure: &Figure) -> Option<Rank> {
        let Place { value, interval } = place(figure, self.sign)?;
        if self.size() < 2 {
            return None;
        }
        let span = self.ends.as_ref().zip(interval).map(|((low_ends, high_ends), (low, high))| {
            let certainly_better = above(low_ends, high);
            let certainly_worse = below(high_ends, low);
            (certainly_better + 1, self.size() - certainly_worse)
        });
        Some(Rank {
            position: above(&self.values, value) + 1,
            best: span.map(|span| span.0),
            worst: span.map(|span| span.1),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn figures(values: &[f64]) -> Vec<Figure> {
        values.iter().map(|&value| Figure::of(value)).collect()
    }

    fn percentiles(figures: &[Figure], polarity: Polarity) -> Vec<Option<f64>> {
        let standing = Standing::of(figures.iter(), polarity).unwrap();
        figures.iter().map(|figure| standing.percentile(figure)).collect()
    }

    fn ranks(figures: &[Figure], polarity: Polarity) -> Vec<Option<Rank>> {
        let standing = Standing::of(figures.iter(), polarity).unwrap();
        figures.iter().map(|figure| standing.rank(figure)).collect()
    }

    #[test]
    fn a_percentile_counts_the_worse_and_half_the_ties_among_the_others() {
        let five = figures(&[10.0, 20.0, 20.0, 30.0, 40.0]);
        let of = |percents: [f64; 5]| percents.map(Some).to_vec();
        assert_eq!(percentiles(&five, Polarity::HigherIsBetter), of([0.0, 37.5, 37.5, 75.0, 100.0]));
        assert_eq!(percentiles(&five, Polarity::LowerIsBetter), of([100.0, 62.5, 62.5, 25.0, 0.0]));
        assert_eq!(percentiles(&figures(&[1.0; 4]), Polarity::HigherIsBetter), [None; 4]);
        assert_eq!(percentiles(&figures(&[0.0, -0.0, 0.0, -0.0, 0.0]), Polarity::LowerIsBetter), of([50.0; 5]));
        assert!(Standing::of(five.iter(), Polarity::Neutral).is_none());
    }

    #[test]
    fn equal_values_share_the_better_place() {
        let place = |position| Some(Rank { position, best: None, worst: None });
        let found = ranks(&figures(&[10.0, 20.0, 20.0, 30.0]), Polarity::LowerIsBetter);
        assert_eq!(found, [place(1), place(2), place(2), place(4)]);
        assert_eq!(ranks(&figures(&[10.0]), Polarity::LowerIsBetter), [None]);
    }

    #[test]
    fn limits_say_how_far_a_place_is_open() {
        let limited = |value, lower, upper| Figure { lower: Some(lower), upper: Some(upper), ..Figure::of(value) };
        let mut three = vec![limited(10.0, 8.0, 12.0), limited(11.0, 9.0, 13.0), limited(20.0, 18.0, 22.0)];
        let place = |position, best, worst| Some(Rank { position, best: Some(best), worst: Some(worst) });
        assert_eq!(ranks(&three, Polarity::LowerIsBetter), [place(1, 1, 2), place(2, 1, 2), place(3, 3, 3)]);
        assert_eq!(ranks(&three, Polarity::HigherIsBetter), [place(3, 2, 3), place(2, 2, 3), place(1, 1, 1)]);
        three[1].upper = None;
        assert!(
            ranks(&three, Polarity::LowerIsBetter)
                .iter()
                .flatten()
                .all(|rank| rank.best.is_none() && rank.worst.is_none())
        );
    }

    proptest! {
        #[test]
        fn standing_by_binary_search_is_standing_by_counting(
            rows in proptest::collection::vec((-20..20_i32, 0..8_i32, 0..8_i32), 0..40),
            higher in any::<bool>(),
        ) {
            let polarity = if higher { Polarity::HigherIsBetter } else { Polarity::LowerIsBetter };
            let figures: Vec<Figure> = rows
                .iter()
                .map(|&(value, less, more)| Figure {
                    lower: Some(f64::from(value - less)),
                    upper: Some(f64::from(value + more)),
                    ..Figure::of(f64::from(value))
                })
                .collect();
            let size = count(rows.len());
            let found = ranks(&figures, polarity);
            let percents = percentiles(&figures, polarity);
            for (own, &(value, less, more)) in rows.iter().enumerate() {
                let among = |holds: &dyn Fn(i32, i32, i32) -> bool| {
                    count(rows.iter().enumerate().filter(|&(other, &(v, l, m))| other != own && holds(v, v - l, v + m)).count())
                };
                let (greater, smaller) = (among(&|v, _, _| v > value), among(&|v, _, _| v < value));
                let (over, under) = (among(&|_, low, _| low > value + more), among(&|_, _, high| high < value - less));
                let (better, worse, surely_better, surely_worse) =
                    if higher { (greater, smaller, over, under) } else { (smaller, greater, under, over) };
                let rank = Rank { position: better + 1, best: Some(surely_better + 1), worst: Some(size - surely_worse) };
                prop_assert_eq!(found[own], (size >= 2).then_some(rank));
                prop_assert!(rank.best.unwrap() <= rank.position && rank.position <= rank.worst.unwrap());
                let ties = f64::from(size - 1 - better - worse);
                let percent = 100.0 * (f64::from(worse) + ties / 2.0) / f64::from(size.max(2) - 1);
                match percents[own] {
                    Some(found) => prop_assert!((found - percent).abs() < 1e-8 && (0.0..=100.0).contains(&found)),
                    None => prop_assert!(size < PEERS),
                }
            }
            // Whoever is ahead of one is behind the other: the mean of all percentiles is 50.
            if size >= PEERS {
                let sum: f64 = percents.iter().flatten().sum();
                prop_assert!((sum - 50.0 * f64::from(size)).abs() < 1e-6);
            }
        }
    }
}
