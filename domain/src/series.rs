//! Series: one community's figures by one indicator version, one source and one disaggregation.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{ProblemCode, Problems},
    id::{CommunityId, IndicatorId, IndicatorVersionId, NodeRef, SeriesId, SourceId},
    indicator::{Indicator, IndicatorKind},
    page::SortKey,
    record::{NoKey, Noun},
};

/// Which part of the population a series is about: dimension = value pairs. Empty means everybody, the total.
///
/// Its text form, also used in the database, joins the pairs in the order of their dimensions: `age=0-17;gender=women`,
/// with `%`, `;` and `=` written as `%25`, `%3B` and `%3D`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Disaggregation(BTreeMap<String, String>);

/// Why a disaggregation was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DisaggregationError {
    /// Not of the form `dimension=value;…`.
    #[error("“{0}” is not a disaggregation: write dimension=value, several joined by a semicolon")]
    Form(String),
    /// A dimension or value is blank, has control characters, or is longer than 120 characters.
    #[error("a dimension and its value are 1 to 120 characters, without control characters")]
    Part,
    /// A dimension is named twice.
    #[error("the dimension “{0}” is named twice")]
    Twice(String),
    /// More than 12 dimensions.
    #[error("at most {MOST_DIMENSIONS} dimensions describe a series")]
    TooMany,
}

/// The most dimensions that describe a part of the population.
pub const MOST_DIMENSIONS: usize = 12;

impl Disaggregation {
    /// Everybody.
    pub const fn total() -> Self {
        Self(BTreeMap::new())
    }

    /// The part of the population with these values of these dimensions. White space around them does not count.
    pub fn new<D: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (D, V)>,
    ) -> Result<Self, DisaggregationError> {
        let mut map = BTreeMap::new();
        for (dimension, value) in pairs {
            let (dimension, value) = (dimension.as_ref().trim(), value.as_ref().trim());
            for part in [dimension, value] {
                if part.is_empty() || part.chars().count() > 120 || part.chars().any(char::is_control) {
                    return Err(DisaggregationError::Part);
                }
            }
            if map.insert(dimension.to_owned(), value.to_owned()).is_some() {
                return Err(DisaggregationError::Twice(dimension.to_owned()));
            }
        }
        if map.len() > MOST_DIMENSIONS { Err(DisaggregationError::TooMany) } else { Ok(Self(map)) }
    }

    /// Whether this is everybody.
    pub fn is_total(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs, by dimension.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(dimension, value)| (dimension.as_str(), value.as_str()))
    }
}

fn escape(part: &str) -> String {
    part.replace('%', "%25").replace(';', "%3B").replace('=', "%3D")
}

fn unescape(part: &str) -> String {
    part.replace("%3D", "=").replace("%3B", ";").replace("%25", "%")
}

impl fmt::Display for Disaggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (dimension, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{}={}", escape(dimension), escape(value))?;
        }
        Ok(())
    }
}

impl FromStr for Disaggregation {
    type Err = DisaggregationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::total());
        }
        let form = || DisaggregationError::Form(text.chars().take(60).collect());
        let pairs: Vec<_> = text
            .split(';')
            .map(|pair| pair.split_once('=').map(|(d, v)| (unescape(d), unescape(v))).ok_or_else(form))
            .collect::<Result<_, _>>()?;
        Self::new(pairs)
    }
}

impl TryFrom<String> for Disaggregation {
    type Error = DisaggregationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Disaggregation> for String {
    fn from(disaggregation: Disaggregation) -> Self {
        disaggregation.to_string()
    }
}

/// A series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    /// Whose figures.
    pub community: CommunityId,
    /// What is measured.
    pub indicator: IndicatorId,
    /// By which definition.
    pub indicator_version: IndicatorVersionId,
    /// Where the figures come from.
    pub source: SourceId,
    /// Which part of the population.
    pub disaggregation: Disaggregation,
}

impl Series {
    /// Notes a problem if the indicator is not one that belongs to communities (invariant 7).
    pub fn check_kind(indicator: &Indicator, problems: &mut Problems) {
        problems.require(
            indicator.kind == IndicatorKind::Population,
            "indicator",
            ProblemCode::Invalid,
            format!(
                "{} is a performance measure: those belong to activities and partners, not to communities",
                indicator.code
            ),
        );
    }
}

/// What series can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SeriesFilter {
    /// Of this community.
    pub community: Option<CommunityId>,
    /// By one of these indicators.
    pub indicators: Option<Vec<IndicatorId>>,
    /// From this source.
    pub source: Option<SourceId>,
    /// About exactly this part of the population.
    pub disaggregation: Option<Disaggregation>,
}

/// What series can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SeriesSort {
    /// When it was first recorded.
    #[default]
    CreatedAt,
    /// The part of the population; everybody first.
    Disaggregation,
}

impl SortKey for SeriesSort {
    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "series.created",
            Self::Disaggregation => "series.disaggregation",
        }
    }
}

/// Whose series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeriesParent {
    /// A community's.
    Community,
    /// An indicator's.
    Indicator,
}

impl Noun for Series {
    type Id = SeriesId;
    type Key = NoKey;
    type Filter = SeriesFilter;
    type Sort = SeriesSort;
    type Parent = SeriesParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, _problems: &mut Problems) {}

    fn data_of(&self) -> Option<CommunityId> {
        Some(self.community)
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        vec![
            ("community", self.community.into()),
            ("indicator", self.indicator.into()),
            ("indicatorVersion", self.indicator_version.into()),
            ("source", self.source.into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_disaggregation_comes_back_as_it_went(pairs in proptest::collection::btree_map("[a-z%;= ]{1,12}", "[A-Z%;=0-9 ]{1,12}", 0..5)) {
            if let Ok(disaggregation) = Disaggregation::new(pairs) {
                prop_assert_eq!(disaggregation.to_string().parse::<Disaggregation>(), Ok(disaggregation));
            }
        }
    }

    #[test]
    fn no_pairs_are_everybody() {
        assert_eq!("".parse(), Ok(Disaggregation::total()));
        assert!(matches!("age".parse::<Disaggregation>(), Err(DisaggregationError::Form(_))));
        assert!(matches!("a=1;a=2".parse::<Disaggregation>(), Err(DisaggregationError::Twice(_))));
    }

    /// Invariant 7.
    #[test]
    fn performance_measures_are_not_the_communities() {
        use crate::{indicator::IndicatorKind, text::LocalizedText};
        for &kind in IndicatorKind::ALL {
            let name = LocalizedText::new("en".parse().unwrap(), "Name").unwrap();
            let indicator = Indicator { code: "i".parse().unwrap(), kind, issue: None, name, description: None };
            let mut problems = Problems::default();
            Series::check_kind(&indicator, &mut problems);
            assert_eq!(problems.is_empty(), kind == IndicatorKind::Population);
        }
    }
}
