//! Declared breaks of series: from a day on, something else is measured, or in another way.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::{ProblemCode, Problems},
    id::{CommunityId, IndicatorId, NodeRef, SeriesBreakId, SourceId},
    page::SortKey,
    record::{NoKey, Noun},
    rules::{self, PROSE_LENGTH},
    text::LocalizedText,
};

codes! {
    /// Why a series breaks.
    pub enum BreakReason {
        /// It is measured by another method.
        Method = "METHOD",
        /// Something else is counted.
        Definition = "DEFINITION",
        /// It is taken from somewhere else.
        Source = "SOURCE",
        /// It is of another area.
        Geography = "GEOGRAPHY",
        /// Something else, which the note says.
        Other = "OTHER",
    }
}

/// How a value from before a break is put into the measurement after it: new = factor x old + offset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Conversion {
    /// What it is multiplied by.
    pub factor: f64,
    /// What is added then, in the unit of the definition.
    pub offset: f64,
}

impl Conversion {
    /// The value in the new measurement.
    pub fn apply(self, old: f64) -> f64 {
        self.factor.mul_add(old, self.offset)
    }

    /// This one and then another.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self { factor: next.factor * self.factor, offset: next.factor.mul_add(self.offset, next.offset) }
    }
}

/// A declared bridge over a break: without one, nothing is computed across it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bridge {
    /// How old values are converted.
    #[serde(flatten)]
    pub conversion: Conversion,
    /// What shows that it is so: years measured both ways, a study.
    pub evidence: LocalizedText,
}

/// A break of the series of a community by an indicator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesBreak {
    /// Whose figures.
    pub community: CommunityId,
    /// By which indicator.
    pub indicator: IndicatorId,
    /// From this source; from any, if none is named.
    pub source: Option<SourceId>,
    /// The first day of the new measurement.
    pub starts_on: NaiveDate,
    /// Why.
    pub reason: BreakReason,
    /// More about it.
    pub note: Option<LocalizedText>,
    /// How figures from before are compared with those after it, if they can be.
    pub bridge: Option<Bridge>,
}

/// What lies between two figures of a series.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Crossing {
    /// No break.
    #[default]
    None,
    /// Breaks, every one of them bridged.
    Bridged(Conversion),
    /// A break without a bridge.
    Broken,
}

impl Crossing {
    /// What breaks on these days, with their bridges, are together.
    pub fn over(mut breaks: Vec<(NaiveDate, Option<Conversion>)>) -> Self {
        breaks.sort_by_key(|(day, _)| *day);
        breaks.into_iter().fold(Self::None, |crossing, (_, bridge)| match (crossing, bridge) {
            (Self::Broken, _) | (_, None) => Self::Broken,
            (Self::None, Some(bridge)) => Self::Bridged(bridge),
            (Self::Bridged(before), Some(bridge)) => Self::Bridged(before.then(bridge)),
        })
    }
}

/// What breaks can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SeriesBreakFilter {
    /// Of this community.
    pub community: Option<CommunityId>,
    /// By this indicator.
    pub indicator: Option<IndicatorId>,
}

/// What breaks can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SeriesBreakSort {
    /// When they were declared.
    #[default]
    CreatedAt,
    /// The first day of the new measurement.
    StartsOn,
}

impl SortKey for SeriesBreakSort {
    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "breaks.created",
            Self::StartsOn => "breaks.starts",
        }
    }
}

/// Whose breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeriesBreakParent {
    /// A community's.
    Community,
}

impl Noun for SeriesBreak {
    type Id = SeriesBreakId;
    type Key = NoKey;
    type Filter = SeriesBreakFilter;
    type Sort = SeriesBreakSort;
    type Parent = SeriesBreakParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        let said = self.reason != BreakReason::Other || self.note.is_some();
        problems.require(said, "note", ProblemCode::Required, "a note says what the other reason is");
        rules::optional_text(problems, "note", self.note.as_ref(), PROSE_LENGTH);
        let Some(Bridge { conversion: Conversion { factor, offset }, evidence }) = &self.bridge else { return };
        let good = factor.is_finite() && *factor != 0.0;
        problems.require(good, "bridge.factor", ProblemCode::OutOfRange, "a factor is a finite number and not zero");
        problems.require(offset.is_finite(), "bridge.offset", ProblemCode::OutOfRange, "an offset is a finite number");
        rules::text(problems, "bridge.evidence", evidence, PROSE_LENGTH);
    }

    fn data_of(&self) -> Option<CommunityId> {
        Some(self.community)
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let source = self.source.map(|id| ("source", id.into()));
        [("community", self.community.into()), ("indicator", self.indicator.into())].into_iter().chain(source).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use super::*;

    fn bridge(factor: f64, offset: f64) -> Conversion {
        Conversion { factor, offset }
    }

    /// Invariant 5: no arithmetic across a break without an explicit bridge.
    #[test]
    fn every_break_on_the_way_needs_a_bridge() {
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        assert_eq!(Crossing::over(Vec::new()), Crossing::None);
        assert_eq!(Crossing::over(vec![(day(2020), None)]), Crossing::Broken);
        assert_eq!(Crossing::over(vec![(day(2020), Some(bridge(2.0, 0.0))), (day(2021), None)]), Crossing::Broken);
        // In the order of the days, whatever the order they come in: first 2 x + 1, then 3 x + 5.
        let both = Crossing::over(vec![(day(2021), Some(bridge(3.0, 5.0))), (day(2020), Some(bridge(2.0, 1.0)))]);
        let Crossing::Bridged(both) = both else { unreachable!("two bridges are one") };
        assert_eq!((both.apply(10.0), both.apply(0.0)), (68.0, 8.0));
    }
}
