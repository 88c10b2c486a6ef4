//! Baselines: declared starting points of series.

use serde::{Deserialize, Serialize};

use crate::{
    error::Problems,
    id::{BaselineId, CommunityId, IndicatorId, NodeRef, SeriesId},
    page::SortKey,
    period::Period,
    record::{NoKey, Noun},
    rules::{self, PROSE_LENGTH},
    text::LocalizedText,
};

/// A declared starting point: the period of a series from which change is counted. A series has at most one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The series.
    pub series: SeriesId,
    /// The period; the series must have a value for it.
    pub period: Period,
    /// Why this one.
    pub note: Option<LocalizedText>,
}

/// What baselines can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct BaselineFilter {
    /// Of this community.
    pub community: Option<CommunityId>,
    /// By this indicator.
    pub indicator: Option<IndicatorId>,
    /// Of this series.
    pub series: Option<SeriesId>,
}

/// What baselines can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BaselineSort {
    /// When it was declared.
    #[default]
    CreatedAt,
    /// The day after the last of its period.
    PeriodEnd,
}

impl SortKey for BaselineSort {
    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "baselines.created",
            Self::PeriodEnd => "baselines.period",
        }
    }
}

/// Whose baselines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BaselineParent {
    /// A community's.
    Community,
    /// A series'.
    Series,
}

impl Noun for Baseline {
    type Id = BaselineId;
    type Key = NoKey;
    type Filter = BaselineFilter;
    type Sort = BaselineSort;
    type Parent = BaselineParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        rules::optional_text(problems, "note", self.note.as_ref(), PROSE_LENGTH);
    }

    fn data_of_series(&self) -> Option<SeriesId> {
        Some(self.series)
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        vec![("series", self.series.into())]
    }
}
