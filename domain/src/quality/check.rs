//! The arithmetic of the checks: pure, each answers what is doubtful in words for people, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::Limits;
use crate::{
    indicator::{IndicatorVersion, Measure},
    observation::Figure,
    period::Period,
};

/// The fewest values before a figure that JUMP judges it by.
pub const LEAST_HISTORY: usize = 4;
/// The most of them that it looks at, the newest ones.
const MOST_HISTORY: usize = 12;

/// A value before a figure; a break begins the history anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past {
    /// The value.
    pub value: f64,
    /// Whether the series breaks there.
    pub breaks: bool,
}

/// What is known of a series, for periods of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Its values.
    pub values: BTreeMap<Period, Past>,
    /// The declared breaks: the first days of new measurements. A period that one lies in is measured in both ways.
    pub breaks: BTreeSet<NaiveDate>,
}

/// A little for the arithmetic of doubles itself, as a part of what is compared.
const ROUNDING: f64 = 1e-9;

/// RANGE: the value lies outside what is plausible.
pub fn range(value: f64, limits: &Limits) -> Option<String> {
    if let Some(minimum) = limits.minimum.filter(|minimum| value < *minimum) {
        return Some(format!("{value} is less than {minimum}, the smallest plausible value"));
    }
    let maximum = limits.maximum.filter(|maximum| value > *maximum)?;
    Some(format!("{value} is more than {maximum}, the largest plausible value"))
}

/// The median of some numbers; nothing of none.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let upper = *numbers.get(numbers.len() / 2)?;
    if numbers.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*numbers.get(numbers.len() / 2 - 1)?, upper))
}

/// JUMP: the change from the value before lies too far from the changes before it, or is too large a part of that value.
///
/// Deviations are median absolute deviations of the changes (Hampel 1974), never taken to be less than one unit of the last decimal
/// shown: a series that hardly moves must not make every movement a jump. Fewer than [`LEAST_HISTORY`] values say nothing.
pub fn jump(value: f64, period: Period, history: &History, decimals: i32, limits: &Limits) -> Option<String> {
    let past = before(period, history);
    let (last, previous) = (*past.last()?, past.len());
    if previous < LEAST_HISTORY {
        return None;
    }
    let change = value - last;
    if let Some(percent) = limits.percent
        && last != 0.0
        && change.abs() > (percent / 100.0 + ROUNDING) * last.abs()
    {
        let share = 100.0 * change / last.abs();
        return Some(format!(
            "{value} differs from {last}, the value before it, by {share:+.1} %; more than {percent} %"
        ));
    }
    let deviations = limits.deviations?;
    let changes: Vec<f64> = past.iter().zip(past.iter().skip(1)).map(|(a, b)| b - a).collect();
    let usual = median(changes.clone())?;
    let spread = median(changes.iter().map(|change| (change - usual).abs()).collect())?;
    let spread = spread.max(10f64.powi(-decimals));
    let far = (change - usual).abs() / spread;
    (far > deviations * (1.0 + ROUNDING)).then(|| {
        format!(
            "{value} differs from {last}, the value before it, by {far:.1} median absolute deviations of the changes until \
             then; more than {deviations}"
        )
    })
}

/// The newest values before a period, oldest first, none before the last break, whether a figure is marked as one or it is declared.
fn before(period: Period, history: &History) -> Vec<f64> {
    let mut past = Vec::new();
    let declared = history.breaks.range(..period.end()).next_back();
    for (of, kept) in history.values.iter().rev() {
        if of.end() > period.start() || declared.is_some_and(|day| of.start() < *day) {
            continue;
        }
        past.push(kept.value);
        if kept.breaks || past.len() == MOST_HISTORY {
            break;
        }
    }
    past.reverse();
    past
}

/// The values of one dimension's parts and of the total, for one period.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts {
    /// Of everybody.
    pub total: Option<f64>,
    /// Of each part that the dimension has in any period; nothing where it has no value in this one.
    pub parts: BTreeMap<String, Option<f64>>,
}

/// `TOTAL_AGAINST_PARTS`: the parts add up to something else than the total. While parts are missing, they may be less.
pub fn total_against_parts(dimension: &str, of: &Parts, limits: &Limits) -> Option<String> {
    let (total, percent) = (of.total?, limits.percent?);
    let known: Vec<f64> = of.parts.values().flatten().copied().collect();
    if known.is_empty() {
        return None;
    }
    let sum: f64 = known.iter().sum();
    let complete = known.len() == of.parts.len() && known.len() > 1;
    let tolerance = percent / 100.0 * total.abs() + ROUNDING * total.abs().max(sum.abs());
    let wrong = sum - total > tolerance || (complete && total - sum > tolerance);
    wrong.then(|| {
        format!("the parts by {dimension} add up to {sum}, the total is {total}; they differ by more than {percent} %")
    })
}

/// RATIO: the value is not what its parts say, or the part exceeds the whole.
pub fn ratio(figure: &Figure, version: &IndicatorVersion, limits: &Limits) -> Option<String> {
    let (numerator, denominator) = (figure.numerator?, figure.denominator?);
    let own = (version.measure == Measure::Percentage).then_some(100.0);
    let multiplier = version.multiplier.or(limits.multiplier).or(own);
    if matches!(version.measure, Measure::Percentage | Measure::Rate) && numerator > denominator {
        return Some(format!("the numerator {numerator} is more than the denominator {denominator}"));
    }
    let (value, multiplier, percent) = (figure.value?, multiplier?, limits.percent?);
    if denominator <= 0.0 {
        return None;
    }
    let expected = numerator / denominator * multiplier;
    // What is rounded to the decimals shown is right.
    let rounding = 0.5 * 10f64.powi(-version.decimals) + ROUNDING * expected.abs();
    let tolerance = (percent / 100.0 * expected.abs()).max(rounding);
    ((value - expected).abs() > tolerance).then(|| {
        format!("{value} differs from {numerator} / {denominator} x {multiplier} = {expected} by more than {percent} %")
    })
}
