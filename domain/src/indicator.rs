//! Indicators and their immutable versions: what is measured, and exactly how.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::{ProblemCode, Problems},
    id::{IndicatorId, IndicatorVersionId, NetworkId, NodeRef},
    initiative::Issue,
    key::{Code, CurrencyCode},
    page::{Direction, ListQuery, Order, PageArgs, SortKey},
    period::PeriodKind,
    record::{NoKey, Noun, Stored},
    rules::{self, NAME_LENGTH, PROSE_LENGTH},
    text::LocalizedText,
};

codes! {
    /// What an indicator tells about (Results-Based Accountability).
    pub enum IndicatorKind {
        /// How a whole population fares: belongs to communities.
        Population = "POPULATION",
        /// How much a programme did: belongs to activities and partners.
        PerformanceHowMuch = "PERFORMANCE_HOW_MUCH",
        /// How well it did it: belongs to activities and partners.
        PerformanceHowWell = "PERFORMANCE_HOW_WELL",
        /// Whether anybody is better off: belongs to activities and partners.
        PerformanceBetterOff = "PERFORMANCE_BETTER_OFF",
    }
}

codes! {
    /// Which way is good.
    pub enum Polarity {
        /// More is better.
        HigherIsBetter = "HIGHER_IS_BETTER",
        /// Less is better.
        LowerIsBetter = "LOWER_IS_BETTER",
        /// Neither; no improvement is computed.
        Neutral = "NEUTRAL",
    }
}

impl Polarity {
    /// +1, -1, or nothing for a neutral indicator.
    pub const fn sign(self) -> Option<f64> {
        match self {
            Self::HigherIsBetter => Some(1.0),
            Self::LowerIsBetter => Some(-1.0),
            Self::Neutral => None,
        }
    }
}

codes! {
    /// How figures of several communities may be put together. Percentages are never averaged.
    pub enum Additivity {
        /// They add up: counts of distinct things.
        Sum = "SUM",
        /// Numerators and denominators add up, and the ratio is taken of the sums.
        RatioOfSums = "RATIO_OF_SUMS",
        /// They cannot be put together.
        None = "NONE",
    }
}

codes! {
    /// What kind of quantity a figure is.
    pub enum Measure {
        /// A whole number of things or people.
        Count = "COUNT",
        /// A share of a whole, 0 to 100 unless the version declares another range.
        Percentage = "PERCENTAGE",
        /// So many per 100, 1 000, 10 000 or 100 000.
        Rate = "RATE",
        /// An amount of money in units of its currency.
        Amount = "AMOUNT",
        /// A length of time.
        Duration = "DURATION",
        /// An index or score without a unit.
        Index = "INDEX",
        /// Any other quantity, as its unit says.
        Other = "OTHER",
    }
}

/// An indicator: a question that many communities answer by the same measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Indicator {
    /// Its stable code.
    pub code: Code,
    /// What it tells about. A measure of another kind is another indicator, so the kind stands here and not on the version.
    pub kind: IndicatorKind,
    /// The issue it belongs to.
    pub issue: Option<Issue>,
    /// Its name.
    pub name: LocalizedText,
    /// What it measures, in a few sentences.
    pub description: Option<LocalizedText>,
}

/// What indicators can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct IndicatorFilter {
    /// Of one of these kinds.
    pub kinds: Option<Vec<IndicatorKind>>,
    /// About one of these issues.
    pub issues: Option<Vec<Issue>>,
    /// Adopted by this network.
    pub network: Option<NetworkId>,
    /// The name in any language or the code contains this, whatever the case and marks.
    pub text: Option<String>,
}

/// What indicators can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IndicatorSort {
    /// The code.
    #[default]
    Code,
    /// The name in its source language.
    Name,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for IndicatorSort {
    fn name(self) -> &'static str {
        match self {
            Self::Code => "indicators.code",
            Self::Name => "indicators.name",
            Self::CreatedAt => "indicators.created",
        }
    }
}

/// Whose indicators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndicatorParent {
    /// Adopted by a network.
    Network,
    /// Linked to a learning.
    Learning,
}

impl Noun for Indicator {
    type Id = IndicatorId;
    type Key = Code;
    type Filter = IndicatorFilter;
    type Sort = IndicatorSort;
    type Parent = IndicatorParent;

    fn key(&self) -> Option<&Code> {
        Some(&self.code)
    }

    fn check(&self, problems: &mut Problems) {
        rules::text(problems, "name", &self.name, NAME_LENGTH);
        rules::optional_text(problems, "description", self.description.as_ref(), PROSE_LENGTH);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        Vec::new()
    }
}

/// One definition of an indicator. Once figures are recorded under it, it never changes: a changed definition is a new
/// version, and no arithmetic crosses versions (domain invariant 5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndicatorVersion {
    /// The indicator it defines.
    pub indicator: IndicatorId,
    /// Counts from 1 within the indicator.
    pub number: i32,
    /// What kind of quantity a figure is.
    pub measure: Measure,
    /// The unit, as shown beside a figure: “%”, “per 100 000”.
    pub unit: LocalizedText,
    /// The currency of an amount of money, ISO 4217.
    pub currency: Option<CurrencyCode>,
    /// Decimals shown, 0 to 6.
    pub decimals: i32,
    /// The smallest possible figure, if there is one.
    pub minimum: Option<f64>,
    /// The largest possible figure, if there is one.
    pub maximum: Option<f64>,
    /// Which way is good.
    pub polarity: Polarity,
    /// What is counted above the line of a ratio.
    pub numerator: Option<LocalizedText>,
    /// What is counted below the line of a ratio.
    pub denominator: Option<LocalizedText>,
    /// Figure = numerator / denominator x multiplier: 100, 1 000, 10 000, 100 000.
    pub multiplier: Option<f64>,
    /// How often a figure is due.
    pub frequency: PeriodKind,
    /// How figures of several communities may be put together.
    pub additivity: Additivity,
    /// The first day for which this definition holds.
    pub effective_from: NaiveDate,
    /// Whether persons are counted: small counts of persons are withheld (see [`crate::small_cells`]).
    pub counts_persons: bool,
}

/// What a ratio can be multiplied by.
const MULTIPLIERS: [f64; 6] = [1.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0];

impl IndicatorVersion {
    /// The smallest figure allowed: declared, or 0 for counts and percentages. Counts are never below zero, whatever is declared.
    pub fn lower_bound(&self) -> Option<f64> {
        match self.measure {
            Measure::Count => Some(self.minimum.map_or(0.0, |minimum| minimum.max(0.0))),
            Measure::Percentage => self.minimum.or(Some(0.0)),
            _ => self.minimum,
        }
    }

    /// The largest figure allowed: declared, or 100 for percentages. One that declares that it can lie below zero is no share of a
    /// whole, such as growth, and has no largest value of itself.
    pub fn upper_bound(&self) -> Option<f64> {
        let is_share = self.measure == Measure::Percentage && self.minimum.is_none_or(|minimum| minimum >= 0.0);
        self.maximum.or(is_share.then_some(100.0))
    }

    /// What a figure is of the ratio of its parts, if `numerator` and `denominator` are told (invariant 2): by the declared
    /// multiplier, a percentage by 100, a rate that declares none by one of those there are. Other measures need not be ratios.
    pub fn multipliers(&self) -> &[f64] {
        match (&self.multiplier, self.measure) {
            (Some(declared), _) => std::slice::from_ref(declared),
            (None, Measure::Percentage) => &[100.0],
            (None, Measure::Rate) => &MULTIPLIERS,
            (None, _) => &[],
        }
    }

    /// Whether a figure lies in the range of this version.
    pub fn allows(&self, value: f64) -> bool {
        value.is_finite()
            && self.lower_bound().is_none_or(|low| value >= low)
            && self.upper_bound().is_none_or(|high| value <= high)
    }

    /// The range for a message: `0 to 100`, `at least 0`.
    pub fn range(&self) -> String {
        match (self.lower_bound(), self.upper_bound()) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("at least {low}"),
            (None, Some(high)) => format!("at most {high}"),
            (None, None) => "any number".to_owned(),
        }
    }
}

/// Asks for the version in force on `day` in [`IndicatorVersionParent::Indicator`]: of those effective by then and not archived,
/// the one with the highest number. Whatever reads, records or compares by “the indicator” means this one.
pub fn in_force(day: NaiveDate) -> ListQuery<IndicatorVersionFilter, IndicatorVersionSort> {
    ListQuery {
        filter: IndicatorVersionFilter { effective_by: Some(day), ..IndicatorVersionFilter::default() },
        order: Order { by: IndicatorVersionSort::Number, direction: Direction::Descending },
        page: PageArgs::first(1),
        ..ListQuery::default()
    }
}

/// Asks for the version that was in force at an earlier `moment`: of those known then, effective by that day and not archived yet,
/// the one with the highest number.
pub fn in_force_at(moment: DateTime<Utc>) -> ListQuery<IndicatorVersionFilter, IndicatorVersionSort> {
    let now = in_force(moment.date_naive());
    ListQuery { filter: IndicatorVersionFilter { known_at: Some(moment), ..now.filter }, archived: true, ..now }
}

/// Asks for the version with this number, archived or not.
pub fn numbered(number: i32) -> ListQuery<IndicatorVersionFilter, IndicatorVersionSort> {
    ListQuery {
        filter: IndicatorVersionFilter { number: Some(number), ..IndicatorVersionFilter::default() },
        page: PageArgs::first(1),
        archived: true,
        ..ListQuery::default()
    }
}

/// The same as [`in_force`] among versions that are already there.
pub fn in_force_of(versions: &[Stored<IndicatorVersion>], day: NaiveDate) -> Option<&Stored<IndicatorVersion>> {
    let effective =
        versions.iter().filter(|version| version.effective_from <= day && version.meta.archived_at.is_none());
    effective.max_by_key(|version| version.number)
}

/// What the versions of indicators can be narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct IndicatorVersionFilter {
    /// Of this indicator.
    pub indicator: Option<IndicatorId>,
    /// With this number.
    pub number: Option<i32>,
    /// Effective on this day, or before.
    pub effective_by: Option<NaiveDate>,
    /// Created by this moment, and not archived by then.
    pub known_at: Option<DateTime<Utc>>,
    /// With this polarity.
    pub polarity: Option<Polarity>,
}

/// What the versions of indicators can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IndicatorVersionSort {
    /// The number within the indicator.
    #[default]
    Number,
    /// The first day for which they hold.
    EffectiveFrom,
}

impl SortKey for IndicatorVersionSort {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "indicator_versions.number",
            Self::EffectiveFrom => "indicator_versions.effective",
        }
    }
}

/// Whose versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndicatorVersionParent {
    /// An indicator's.
    Indicator,
}

impl Noun for IndicatorVersion {
    type Id = IndicatorVersionId;
    type Key = NoKey;
    type Filter = IndicatorVersionFilter;
    type Sort = IndicatorVersionSort;
    type Parent = IndicatorVersionParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        rules::text(problems, "unit", &self.unit, 60);
        rules::optional_text(problems, "numerator", self.numerator.as_ref(), PROSE_LENGTH);
        rules::optional_text(problems, "denominator", self.denominator.as_ref(), PROSE_LENGTH);
        problems.require((0..=6).contains(&self.decimals), "decimals", ProblemCode::OutOfRange, "decimals are 0 to 6");
        for (path, bound) in [("minimum", self.minimum), ("maximum", self.maximum)] {
            problems.require(
                bound.is_none_or(f64::is_finite),
                path,
                ProblemCode::Invalid,
                "it must be a finite number",
            );
        }
        problems.require(
            self.measure != Measure::Count || self.minimum.is_none_or(|minimum| minimum >= 0.0),
            "minimum",
            ProblemCode::OutOfRange,
            "a COUNT is never below zero",
        );
        if let (Some(low), Some(high)) = (self.lower_bound(), self.upper_bound()) {
            problems.require(
                low < high,
                "maximum",
                ProblemCode::OutOfRange,
                format!("{high} is not above the minimum {low}"),
            );
        }
        if let Some(multiplier) = self.multiplier {
            problems.require(
                MULTIPLIERS.contains(&multiplier),
                "multiplier",
                ProblemCode::OutOfRange,
                "a multiplier is 1, 100, 1 000, 10 000, 100 000 or 1 000 000",
            );
        }
        let ratio = self.multiplier.is_some() && self.denominator.is_some();
        problems.require(
            ratio || self.additivity != Additivity::RatioOfSums,
            "additivity",
            ProblemCode::Invalid,
            "a ratio of sums needs a denominator and a multiplier",
        );
        problems.require(
            self.currency.is_none() || self.measure == Measure::Amount,
            "currency",
            ProblemCode::Invalid,
            "only an AMOUNT has a currency",
        );
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        vec![("indicator", self.indicator.into())]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
pub(crate) mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    /// A percentage of which less is better.
    pub(crate) fn version() -> IndicatorVersion {
        IndicatorVersion {
            indicator: Uuid::nil().into(),
            number: 1,
            measure: Measure::Percentage,
            unit: LocalizedText::new("en".parse().unwrap(), "%").unwrap(),
            currency: None,
            decimals: 1,
            minimum: None,
            maximum: None,
            polarity: Polarity::LowerIsBetter,
            numerator: None,
            denominator: None,
            multiplier: None,
            frequency: PeriodKind::Year,
            additivity: Additivity::None,
            effective_from: NaiveDate::from_ymd_opt(2015, 1, 1).unwrap(),
            counts_persons: true,
        }
    }

    #[rstest]
    #[case(|v: &mut IndicatorVersion| v.decimals = 7, "decimals")]
    #[case(|v: &mut IndicatorVersion| { v.minimum = Some(5.0); v.maximum = Some(5.0) }, "maximum")]
    #[case(|v: &mut IndicatorVersion| v.minimum = Some(f64::NAN), "minimum")]
    #[case(|v: &mut IndicatorVersion| { v.measure = Measure::Count; v.minimum = Some(-5.0) }, "minimum")]
    #[case(|v: &mut IndicatorVersion| { v.measure = Measure::Count; v.maximum = Some(-5.0) }, "maximum")]
    #[case(|v: &mut IndicatorVersion| v.minimum = Some(150.0), "maximum")]
    #[case(|v: &mut IndicatorVersion| v.multiplier = Some(7.0), "multiplier")]
    #[case(|v: &mut IndicatorVersion| v.additivity = Additivity::RatioOfSums, "additivity")]
    #[case(|v: &mut IndicatorVersion| v.currency = Some("CAD".parse().unwrap()), "currency")]
    fn a_definition_makes_sense(#[case] change: fn(&mut IndicatorVersion), #[case] field: &str) {
        let mut version = version();
        let mut problems = Problems::default();
        version.check(&mut problems);
        assert!(problems.is_empty());
        change(&mut version);
        version.check(&mut problems);
        let found: Vec<_> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(found, [field]);
    }
}
