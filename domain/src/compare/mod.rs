//! Comparing communities without comparing what cannot be compared. Pure computations: figures in, figures out.
//!
//! Formulae and guards follow the house's reference, “Comparing communities”; each function names its own source.

mod aggregate;
mod bridge;
mod build;
mod change;
mod choose;
mod comparability;
mod number;
mod spread;
mod standing;
mod target;
mod total;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use self::{bridge::Earlier, build::compare, comparability::SMALL_BASE, standing::PEERS};
use crate::{
    code::codes,
    id::{CommunityId, IndicatorVersionId, NetworkId, SeriesId, SourceId, TargetId},
    indicator::IndicatorVersion,
    observation::{Figure, Observation},
    period::Period,
    port::figures::Member,
    record::Stored,
    series::Series,
    series_break::Crossing,
    small_cells::SuppressionPolicy,
    target::Target,
};

codes! {
    /// How far two figures measure the same thing.
    pub enum Comparability {
        /// The same definition, method and source.
        SameMeasurement = "SAME_MEASUREMENT",
        /// The same definition by another source: compare with care.
        SameMeasure = "SAME_MEASURE",
        /// The same outcome by another definition: the numbers are not compared.
        SameOutcome = "SAME_OUTCOME",
    }
}

codes! {
    /// What stands in the way of a comparison, or calls for care.
    pub enum Reason {
        /// The figure is for another period than the one compared.
        PeriodMismatch = "PERIOD_MISMATCH",
        /// The series breaks between the baseline and the figure.
        SeriesBreak = "SERIES_BREAK",
        /// A declared break lies between the baseline and the figure, and a declared bridge leads over it.
        Bridged = "BRIDGED",
        /// The unit is another.
        Unit = "UNIT",
        /// The figure is provisional, estimated or imputed, a forecast, or not yet validated.
        Provisional = "PROVISIONAL",
        /// Few are counted: chance weighs heavily.
        SmallN = "SMALL_N",
        /// The figure is old beside the newest compared.
        Stale = "STALE",
        /// It comes from another source.
        SourceDiffers = "SOURCE_DIFFERS",
        /// It is measured by another definition.
        DefinitionDiffers = "DEFINITION_DIFFERS",
        /// The community's boundaries changed between the baseline and the figure.
        GeographyChanged = "GEOGRAPHY_CHANGED",
        /// The community's Indigenous data authority has not let it enter totals.
        AuthorityWithholds = "AUTHORITY_WITHHOLDS",
    }
}

/// What one series offers to a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The series.
    pub series_id: SeriesId,
    /// What the series is of.
    pub series: Series,
    /// The figure for the period compared, or the newest.
    pub current: Observation,
    /// The figure that change is counted from; it has a value. Of another series only over a bridge (see [`Earlier`]).
    pub baseline: Option<Observation>,
    /// Whether that is the declared baseline and not just the period asked for.
    pub baseline_declared: bool,
    /// Whether a figure after the baseline, up to the current one, is marked as a break of the series.
    pub broken_since_baseline: bool,
    /// The declared breaks between the baseline and the current figure.
    pub crossing: Crossing,
    /// Whether it may enter medians, quartiles, standings and totals: an Indigenous data authority decides that for itself.
    pub aggregated: bool,
}

/// A figure of a member that the reader does not see alone, and that may enter totals all the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Withheld {
    /// Whose.
    pub community: CommunityId,
    /// By which definition.
    pub version: IndicatorVersionId,
    /// Where it comes from.
    pub source: SourceId,
    /// For when.
    pub period: Period,
    /// The figure.
    pub figure: Figure,
    /// Whether members read it alone; otherwise nobody does but who answers for it.
    pub read_by_members: bool,
    /// Every network whose totals it may enter, whoever reads.
    pub networks: BTreeSet<NetworkId>,
    /// Since when all of this has been so.
    pub since: DateTime<Utc>,
}

/// Everything a comparison is computed from.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The communities compared, in the order in which they are to be answered.
    pub members: Vec<Member>,
    /// Every version of the indicator that a candidate may be of.
    pub versions: Vec<Stored<IndicatorVersion>>,
    /// The version compared: the one in force.
    pub version: IndicatorVersionId,
    /// What the communities' series offer.
    pub candidates: Vec<Candidate>,
    /// What enters the total of the whole network besides those; nothing where a part of the network is compared.
    pub withheld: Vec<Withheld>,
    /// Under what conditions it does, and fewer cases than what are flagged.
    pub suppression: SuppressionPolicy,
    /// Current targets of the network and of the communities, on this indicator.
    pub targets: Vec<Stored<Target>>,
    /// The period asked for, if one was.
    pub period: Option<Period>,
}

/// One community's answer to a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The community.
    pub community: CommunityId,
    /// Its figure, or nothing where it has none for the period.
    pub cell: Option<Cell>,
}

/// A community's figure with all that is derived from it. Units are those of the indicator version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The series.
    pub series: SeriesId,
    /// The definition.
    pub version: IndicatorVersionId,
    /// The source.
    pub source: SourceId,
    /// The figure.
    pub current: Observation,
    /// What change is counted from.
    pub baseline: Option<Observation>,
    /// Whether that is the community's declared baseline.
    pub baseline_declared: bool,
    /// v - v0; percentages in points. Over a bridged break v0 is put into the new measurement first. Nothing across versions, or a
    /// break of the series without a bridge.
    pub change: Option<f64>,
    /// 100 (v - v0) / |v0|; nothing for percentages, which report points, and where v0 = 0.
    pub percent_change: Option<f64>,
    /// The change with its sign turned so that more is better; nothing for a neutral indicator.
    pub improvement: Option<f64>,
    /// The target that applies: the community's own, or else the network's.
    pub target: Option<TargetFigure>,
    /// Place among the compared: 100 (worse + ties / 2) / (N - 1), itself left out; nothing below five.
    pub percentile: Option<f64>,
    /// Place in the order from best to worst, with the span that its limits leave open.
    pub rank: Option<Rank>,
    /// How far it measures the same as the others.
    pub comparability: Comparability,
    /// What stands in the way of a comparison, or calls for care; in the order of their declaration.
    pub reasons: Vec<Reason>,
    /// Whether its value enters median, quartiles, percentiles and ranks.
    pub compared: bool,
}

/// A target and how far it is away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetFigure {
    /// The target.
    pub id: TargetId,
    /// The value to reach.
    pub value: f64,
    /// By when.
    pub due_on: NaiveDate,
    /// Whether the community set it itself.
    pub own: bool,
    /// d (T - v): how much is missing; zero or less when it is met. Nothing for a neutral indicator.
    pub gap: Option<f64>,
    /// 100 (v - v0) / (T - v0), not clamped; nothing without a baseline and where T = v0.
    pub progress: Option<f64>,
}

/// A place in the order from best (1) to worst. Equal values share the better place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// The place.
    pub position: u32,
    /// The best place that the 95 % limits leave open, where every compared figure has limits.
    pub best: Option<u32>,
    /// The worst place that they leave open.
    pub worst: Option<u32>,
}

/// How the compared values spread over communities, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many communities.
    pub count: u32,
    /// The smallest value.
    pub minimum: f64,
    /// A quarter of the communities lie below.
    pub lower_quartile: f64,
    /// Half lie below.
    pub median: f64,
    /// Three quarters lie below.
    pub upper_quartile: f64,
    /// The largest value.
    pub maximum: f64,
}

/// Who is in the comparison, and who is missing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Communities that were to be compared.
    pub expected: u32,
    /// Those with a figure that enters the comparison.
    pub reporting: u32,
    /// Persons in all of them, by their newest estimates; nothing if any has none.
    pub population_expected: Option<i64>,
    /// Persons in those that report; nothing if any of them has no estimate.
    pub population_reporting: Option<i64>,
}

/// Change since the baseline over the communities that have both figures for the same two periods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CohortChange {
    /// How many communities have both.
    pub communities: u32,
    /// The baseline period that they share.
    pub from: Period,
    /// The period compared.
    pub to: Period,
    /// The median of their changes.
    pub median_change: f64,
    /// How many improved; nothing for a neutral indicator.
    pub improved: Option<u32>,
    /// How many got worse; nothing for a neutral indicator.
    pub worsened: Option<u32>,
}

/// The figure of all compared communities together, where the indicator allows one; of a whole network also of those whose
/// figures the reader does not see alone, as far as no single one can be worked out from it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// The sum, or multiplier x sum of numerators / sum of denominators. Never an average of percentages.
    pub value: f64,
    /// Sum of numerators, for a ratio.
    pub numerator: Option<f64>,
    /// Sum of denominators, for a ratio.
    pub denominator: Option<f64>,
    /// Over how many communities.
    pub communities: u32,
    /// How many of them have figures that the reader does not see alone.
    pub withheld: u32,
}

/// A comparison of communities by one indicator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The definition compared.
    pub version: IndicatorVersionId,
    /// The period compared: the one asked for, or that of most newest values, or that of the total if the reader sees no value
    /// alone; nothing if nobody reports.
    pub period: Option<Period>,
    /// The source that most compared figures come from.
    pub source: Option<SourceId>,
    /// One for every community asked for, in the order asked for.
    pub entries: Vec<Entry>,
    /// How the values spread; nothing if none is compared.
    pub distribution: Option<Distribution>,
    /// Who is in it.
    pub coverage: Coverage,
    /// Change over the fixed cohort.
    pub cohort_change: Option<CohortChange>,
    /// All together.
    pub aggregate: Option<Aggregate>,
    /// Those whose withheld figures are in it: for the audit log, never for the reader.
    pub counted: Vec<CommunityId>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::float_cmp)]
mod tests;
