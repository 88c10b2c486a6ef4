//! Data-quality rules: what makes a figure doubtful though it breaks no invariant, and what is done about it.
//!
//! A community sets rules for its own figures; a network sets rules for those of its members. All that hold are looked at. A network
//! only warns: whoever runs it edits no community's data, and refusing a figure would.

mod check;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;

use serde::{Deserialize, Serialize};

pub use check::{History, LEAST_HISTORY, Parts, Past, jump, range, ratio, total_against_parts};

use crate::{
    code::codes,
    error::{ProblemCode, Problems},
    id::{CommunityId, IndicatorId, NetworkId, NodeRef, QualityRuleId},
    page::SortKey,
    record::{NoKey, Noun},
    rules::{self, PROSE_LENGTH},
    text::LocalizedText,
};

codes! {
    /// What a rule looks at.
    pub enum QualityCheck {
        /// The value lies in a plausible range, narrower than the one that its definition allows.
        Range = "RANGE",
        /// The value is not too far from the one before it in the same series.
        Jump = "JUMP",
        /// The parts of a dimension add up to the total. For figures that add up alone.
        TotalAgainstParts = "TOTAL_AGAINST_PARTS",
        /// The value is numerator / denominator x multiplier, and the part does not exceed its whole, where the definition leaves
        /// that open.
        Ratio = "RATIO",
    }
}

codes! {
    /// What becomes of a figure that a rule finds doubtful.
    pub enum QualityEffect {
        /// It is kept, and the finding is told.
        Warn = "WARN",
        /// It is refused.
        Refuse = "REFUSE",
    }
}

/// The numbers of a rule; each belongs to some checks alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// RANGE: the smallest plausible value.
    pub minimum: Option<f64>,
    /// RANGE: the largest plausible value.
    pub maximum: Option<f64>,
    /// JUMP: how many median absolute deviations a change may lie from the median of the changes before it.
    pub deviations: Option<f64>,
    /// JUMP: the largest change, % of the value before. `TOTAL_AGAINST_PARTS` and RATIO: the largest difference, % of what is expected.
    pub percent: Option<f64>,
    /// RATIO: the multiplier where the definition names none.
    pub multiplier: Option<f64>,
}

/// A rule by which figures are found doubtful.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityRule {
    /// For the figures of the members of this network; or else
    pub network: Option<NetworkId>,
    /// for those of this community.
    pub community: Option<CommunityId>,
    /// By this indicator; by all if none is named.
    pub indicator: Option<IndicatorId>,
    /// What it looks at.
    pub check: QualityCheck,
    /// Its numbers.
    pub limits: Limits,
    /// What becomes of a doubtful figure.
    pub effect: QualityEffect,
    /// Why.
    pub note: Option<LocalizedText>,
}

/// Something doubtful in a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// By which check.
    pub check: QualityCheck,
    /// What becomes of the figure.
    pub effect: QualityEffect,
    /// What is doubtful, for people.
    pub message: String,
}

/// What rules can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct QualityRuleFilter {
    /// Of this network.
    pub network: Option<NetworkId>,
    /// Of this community.
    pub community: Option<CommunityId>,
    /// For this indicator.
    pub indicator: Option<IndicatorId>,
}

/// What rules can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QualityRuleSort {
    /// When they were made.
    #[default]
    CreatedAt,
}

impl SortKey for QualityRuleSort {
    fn name(self) -> &'static str {
        "quality.created"
    }
}

/// Whose rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QualityRuleParent {
    /// A community's.
    Community,
}

impl Limits {
    /// The numbers with their names.
    fn named(&self) -> [(&'static str, Option<f64>); 5] {
        [
            ("minimum", self.minimum),
            ("maximum", self.maximum),
            ("deviations", self.deviations),
            ("percent", self.percent),
            ("multiplier", self.multiplier),
        ]
    }
}

impl QualityCheck {
    /// The numbers that belong to it.
    const fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Range => &["minimum", "maximum"],
            Self::Jump => &["deviations", "percent"],
            Self::TotalAgainstParts => &["percent"],
            Self::Ratio => &["percent", "multiplier"],
        }
    }

    /// Whether what it finds tells of figures besides the one that it looks at: only who reads those is told.
    pub const fn tells_of_others(self) -> bool {
        matches!(self, Self::Jump | Self::TotalAgainstParts)
    }

    /// The numbers of which it needs one at least.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Ratio => &["percent"],
            other => other.takes(),
        }
    }
}

impl QualityRule {
    fn check_limits(&self, problems: &mut Problems) {
        let (takes, needs) = (self.check.takes(), self.check.needs());
        let named = self.limits.named();
        for (name, value) in named {
            let Some(value) = value else { continue };
            let message = format!("{} takes {} and nothing else", self.check, takes.join(" and "));
            problems.require(takes.contains(&name), name, ProblemCode::Invalid, message);
            let signed = matches!(name, "minimum" | "maximum");
            let good = value.is_finite() && (signed || value > 0.0 || (name == "percent" && value >= 0.0));
            problems.require(good, name, ProblemCode::OutOfRange, "it must be a finite number, and not below zero");
        }
        let given = named.iter().any(|(name, value)| needs.contains(name) && value.is_some());
        let (first, message) =
            (needs.first().copied().unwrap_or(""), format!("{} needs {}", self.check, needs.join(" or ")));
        problems.require(given, first, ProblemCode::Required, message);
        if let (Some(minimum), Some(maximum)) = (self.limits.minimum, self.limits.maximum) {
            problems.require(minimum <= maximum, "maximum", ProblemCode::OutOfRange, "it lies below the minimum");
        }
    }
}

impl Noun for QualityRule {
    type Id = QualityRuleId;
    type Key = NoKey;
    type Filter = QualityRuleFilter;
    type Sort = QualityRuleSort;
    type Parent = QualityRuleParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        problems.require(
            self.network.is_some() != self.community.is_some(),
            "community",
            if self.network.is_some() { ProblemCode::Invalid } else { ProblemCode::Required },
            "a rule is either a network's or a community's",
        );
        problems.require(
            self.network.is_none() || self.effect == QualityEffect::Warn,
            "effect",
            ProblemCode::Invalid,
            "a network warns; what is refused is for each community to say",
        );
        problems.require(
            self.check != QualityCheck::Range || self.indicator.is_some(),
            "indicator",
            ProblemCode::Required,
            "what is plausible depends on what is measured: name the indicator",
        );
        self.check_limits(problems);
        rules::optional_text(problems, "note", self.note.as_ref(), PROSE_LENGTH);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let network = self.network.map(|id| ("network", id.into()));
        let community = self.community.map(|id| ("community", id.into()));
        let indicator = self.indicator.map(|id| ("indicator", id.into()));
        network.into_iter().chain(community).chain(indicator).collect()
    }
}
