//! Exports of figures: what is asked for, and the figures as they leave, each with all that it is of.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    community::Community,
    id::{CommunityId, IndicatorId, IndicatorVersionId, SourceId},
    indicator::{Indicator, IndicatorVersion},
    key::{Code, Slug},
    network::Network,
    observation::{Figure, Observation},
    period::Period,
    record::Stored,
    series::{Disaggregation, Series},
    source::Source,
};

/// What is to be exported, in the words of whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// The network whose members the figures are of.
    pub network: Slug,
    /// Of these members alone; of all if none is named.
    pub communities: Vec<Slug>,
    /// By these indicators alone.
    pub indicators: Vec<Code>,
    /// From these sources alone.
    pub sources: Vec<Code>,
    /// Under the definition with this number of the one indicator that is named; without it, under the definition in force of each, at
    /// the moment of [`ExportSpan::as_of`] if there is one.
    pub definition: Option<i32>,
    /// Which of their figures.
    pub span: ExportSpan,
    /// How they are written, for the audit log.
    pub format: &'static str,
}

/// Which figures of a series are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportSpan {
    /// For periods that end after this day begins.
    pub from: Option<NaiveDate>,
    /// For periods that start on or before this day.
    pub until: Option<NaiveDate>,
    /// As they were known at this moment; as they are known now without it.
    pub as_of: Option<DateTime<Utc>>,
}

/// Which series are wanted. An empty list wants nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportFilter {
    /// Of these communities.
    pub communities: Vec<CommunityId>,
    /// By these definitions; by all without it. A page needs one for each indicator, or its order is not complete.
    pub versions: Option<Vec<IndicatorVersionId>>,
    /// By these indicators; by all without it.
    pub indicators: Option<Vec<IndicatorId>>,
    /// From these sources; from all without it.
    pub sources: Option<Vec<SourceId>>,
    /// Which of their figures.
    pub span: ExportSpan,
}

/// What some series have in common, whoever they are of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExportPart {
    /// By which indicator.
    pub indicator: IndicatorId,
    /// By which definition of it.
    pub version: IndicatorVersionId,
    /// From which source.
    pub source: SourceId,
    /// About which part of the population.
    pub disaggregation: Disaggregation,
}

/// A place in the order of an export: by slug of the community, code of the indicator, key of the source, disaggregation and
/// period. It is the same whatever identifiers the records have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportPlace {
    /// The community.
    pub community: String,
    /// The indicator.
    pub indicator: String,
    /// The source.
    pub source: String,
    /// The part of the population, as it is kept.
    pub disaggregation: String,
    /// The period; without it, after all periods of this series.
    pub period: Option<Period>,
}

impl ExportPlace {
    /// Whether both are places of one series.
    pub fn is_of_the_series_of(&self, other: &Self) -> bool {
        self.community == other.community
            && self.indicator == other.indicator
            && self.source == other.source
            && self.disaggregation == other.disaggregation
    }
}

/// A part of an export as the database answers it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExportPage {
    /// The figures in their order.
    pub figures: Vec<(Series, Observation)>,
    /// What follows begins after this place; nothing follows without it.
    pub next: Option<ExportPlace>,
}

/// A figure with all that it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedFigure {
    /// Whose.
    pub community: Arc<Stored<Community>>,
    /// By which indicator.
    pub indicator: Arc<Stored<Indicator>>,
    /// By which definition of it.
    pub version: Arc<Stored<IndicatorVersion>>,
    /// From which source.
    pub source: Arc<Stored<Source>>,
    /// About which part of the population.
    pub disaggregation: Disaggregation,
    /// For which period.
    pub period: Period,
    /// What is known.
    pub figure: Figure,
}

/// What is known of an export before its first figure.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportOutline {
    /// The network.
    pub network: Arc<Stored<Network>>,
    /// Its members, by slug: those whose figures are not exported too, since names must tell all of them apart.
    pub members: Vec<Arc<Stored<Community>>>,
    /// The indicators of the figures, by code.
    pub indicators: Vec<Arc<Stored<Indicator>>>,
    /// The sources of the figures, by key.
    pub sources: Vec<Arc<Stored<Source>>>,
    /// Every dimension of every disaggregation.
    pub dimensions: BTreeSet<String>,
    /// The definitions, by indicator and number, whose figures were asked for as well and are left out: no file says by which
    /// definition a figure is, and whoever reads one takes the one in force.
    pub other_definitions: Vec<(Code, i32)>,
    /// When it was begun.
    pub at: DateTime<Utc>,
}
