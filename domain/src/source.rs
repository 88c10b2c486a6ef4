//! Sources: where figures come from.

use serde::{Deserialize, Serialize};

use crate::{
    error::Problems,
    id::{NodeRef, SourceId},
    key::{Code, Url},
    page::SortKey,
    record::{NoParent, Noun},
    rules::{self, NAME_LENGTH, PROSE_LENGTH},
    text::LocalizedText,
};

/// Where figures come from. A source measures by one method: another method is another source, which is what lets
/// [`crate::compare`] say that two figures of one source are the same measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its stable key.
    pub key: Code,
    /// Its name, as it wishes to be cited.
    pub name: LocalizedText,
    /// Where it publishes.
    pub url: Option<Url>,
    /// How it measures.
    pub method: Option<LocalizedText>,
    /// Whether it has controlled disclosure itself before it published, as offices of statistics do: then its figures are
    /// shown as it published them, however few they count (see [`crate::small_cells`]).
    pub disclosure_controlled: bool,
}

/// What sources can be narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SourceFilter {
    /// The name in any language or the key contains this, whatever the case and marks.
    pub text: Option<String>,
}

/// What sources can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SourceSort {
    /// The name in its source language.
    #[default]
    Name,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for SourceSort {
    fn name(self) -> &'static str {
        match self {
            Self::Name => "sources.name",
            Self::CreatedAt => "sources.created",
        }
    }
}

impl Noun for Source {
    type Id = SourceId;
    type Key = Code;
    type Filter = SourceFilter;
    type Sort = SourceSort;
    type Parent = NoParent;

    fn key(&self) -> Option<&Code> {
        Some(&self.key)
    }

    fn check(&self, problems: &mut Problems) {
        rules::text(problems, "name", &self.name, NAME_LENGTH);
        rules::optional_text(problems, "method", self.method.as_ref(), PROSE_LENGTH);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        Vec::new()
    }
}
