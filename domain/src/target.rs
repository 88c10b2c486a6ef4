//! Targets: values to reach by a day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    error::{ProblemCode, Problems},
    id::{CommunityId, IndicatorId, IndicatorVersionId, NetworkId, NodeRef, TargetId},
    indicator::IndicatorVersion,
    page::SortKey,
    period::Period,
    record::{NoKey, Noun},
    rules::{self, PROSE_LENGTH},
    text::LocalizedText,
};

/// A value to reach by a day, set by a community for itself or by a network for all its members. A target never changes:
/// to move it is to archive it and set another that names it, so that its history stays readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// What is to change.
    pub indicator: IndicatorId,
    /// By which definition.
    pub indicator_version: IndicatorVersionId,
    /// The network that set it for its members. Exactly one of `network` and `community` is given.
    pub network: Option<NetworkId>,
    /// The community that set it for itself. It goes before a network's.
    pub community: Option<CommunityId>,
    /// The value to reach, in the unit of the indicator version.
    pub value: f64,
    /// The day by which to reach it.
    pub due_on: NaiveDate,
    /// Where it was decided, and why.
    pub note: Option<LocalizedText>,
    /// The target that this one replaces.
    pub replaces: Option<TargetId>,
}

impl Target {
    /// Notes whatever contradicts the indicator's range, or the baseline by [`Target::check_start`] (invariant 6).
    pub fn check_against(&self, version: &IndicatorVersion, baseline: Option<(Period, f64)>, problems: &mut Problems) {
        problems.require(
            version.allows(self.value),
            "value",
            ProblemCode::OutOfRange,
            format!("{} lies outside the indicator's range: {}", self.value, version.range()),
        );
        if let Some(baseline) = baseline {
            self.check_start(version, baseline, problems);
        }
    }

    /// Notes whatever contradicts a baseline of whoever set the target: it falls due after the baseline's period and, unless the
    /// indicator is neutral, is better than the baseline.
    ///
    /// A network's target has no baseline to be held against. It is one aim for members that start on either side of it; and were
    /// it refused, its coordinator would learn of baselines that they may not read. Which members have reached it, comparisons say.
    pub fn check_start(&self, version: &IndicatorVersion, (period, start): (Period, f64), problems: &mut Problems) {
        problems.require(
            period.end() <= self.due_on,
            "dueOn",
            ProblemCode::OutOfRange,
            format!("{} does not lie after the baseline, {period}", self.due_on),
        );
        if let Some(sign) = version.polarity.sign() {
            problems.require(
                sign * (self.value - start) > 0.0,
                "value",
                ProblemCode::OutOfRange,
                format!("{} is not better than the baseline, {start} in {period}", self.value),
            );
        }
    }
}

/// What targets can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TargetFilter {
    /// Set by this network.
    pub network: Option<NetworkId>,
    /// Set by this community.
    pub community: Option<CommunityId>,
    /// On this indicator.
    pub indicator: Option<IndicatorId>,
    /// Due on this day or later.
    pub due_from: Option<NaiveDate>,
    /// Due on this day or earlier.
    pub due_until: Option<NaiveDate>,
}

/// What targets can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TargetSort {
    /// The day it falls due.
    #[default]
    DueOn,
    /// When it was set.
    CreatedAt,
}

impl SortKey for TargetSort {
    fn name(self) -> &'static str {
        match self {
            Self::DueOn => "targets.due",
            Self::CreatedAt => "targets.created",
        }
    }
}

/// Whose targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetParent {
    /// A network's.
    Network,
    /// A community's.
    Community,
    /// On an indicator.
    Indicator,
}

impl Noun for Target {
    type Id = TargetId;
    type Key = NoKey;
    type Filter = TargetFilter;
    type Sort = TargetSort;
    type Parent = TargetParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        problems.require(self.value.is_finite(), "value", ProblemCode::Invalid, "a target is a finite number");
        problems.require(
            self.network.is_some() != self.community.is_some(),
            "community",
            ProblemCode::Invalid,
            "a target is set either by a network or by a community",
        );
        rules::optional_text(problems, "note", self.note.as_ref(), PROSE_LENGTH);
    }

    fn data_of(&self) -> Option<CommunityId> {
        self.community
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let mut references =
            vec![("indicator", self.indicator.into()), ("indicatorVersion", self.indicator_version.into())];
        references.extend(self.network.map(|id| ("network", id.into())));
        references.extend(self.community.map(|id| ("community", id.into())));
        references.extend(self.replaces.map(|id| ("replaces", id.into())));
        references
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::indicator::{Polarity, tests::version};

    fn target(value: f64, due_on: &str) -> Target {
        Target {
            indicator: Uuid::nil().into(),
            indicator_version: Uuid::nil().into(),
            network: None,
            community: Some(Uuid::nil().into()),
            value,
            due_on: due_on.parse().unwrap(),
            note: None,
            replaces: None,
        }
    }

    /// Invariant 6.
    #[rstest]
    #[case(7.25, "2030-12-31", Polarity::LowerIsBetter, &[])]
    #[case(14.5, "2030-12-31", Polarity::LowerIsBetter, &["value"])]
    #[case(20.0, "2030-12-31", Polarity::LowerIsBetter, &["value"])]
    #[case(20.0, "2030-12-31", Polarity::HigherIsBetter, &[])]
    #[case(20.0, "2030-12-31", Polarity::Neutral, &[])]
    #[case(7.25, "2015-12-31", Polarity::LowerIsBetter, &["dueOn"])]
    #[case(-1.0, "2030-12-31", Polarity::LowerIsBetter, &["value"])]
    fn a_target_is_better_and_later_than_its_baseline(
        #[case] value: f64,
        #[case] due_on: &str,
        #[case] polarity: Polarity,
        #[case] fields: &[&str],
    ) {
        let version = IndicatorVersion { polarity, ..version() };
        let mut problems = Problems::default();
        target(value, due_on).check_against(&version, Some(("2015".parse().unwrap(), 14.5)), &mut problems);
        let found: Vec<_> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(found, fields);
    }

    #[test]
    fn a_target_has_one_owner() {
        let mut problems = Problems::default();
        target(1.0, "2030-12-31").check(&mut problems);
        assert!(problems.is_empty());
        Target { community: None, ..target(1.0, "2030-12-31") }.check(&mut problems);
        Target { network: Some(Uuid::nil().into()), ..target(1.0, "2030-12-31") }.check(&mut problems);
        assert_eq!(problems.iter().count(), 2);
    }
}
