//! Mappings that are kept, each under a key: how the tables of one source are read.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ColumnMapping;
use crate::{
    error::{FieldPath, ProblemCode, Problems},
    id::{MappingId, NodeKind, NodeRef, SourceId},
    key::Code,
    page::SortKey,
    record::{NoParent, Noun},
};

/// The longest mapping as JSON, bytes.
pub const MOST_BYTES: usize = 128 * 1024;

/// How the tables of one source are read. What it says never changes: a change is another version of it, and what was
/// imported by an earlier one can be read again by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// Its stable key.
    pub key: Code,
    /// Whose tables: the source of figures for which neither the caller nor the mapping names another.
    pub source: SourceId,
    /// Counts the versions of what it says, from 1; that of `content`.
    pub number: i32,
    /// What its newest version says.
    pub content: ColumnMapping,
}

/// A version of a mapping, without what it says: that can be long, and few want it of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingVersion {
    /// Whose version.
    pub mapping: MappingId,
    /// Counts from 1 within the mapping.
    pub number: i32,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Names a mapping: `KEY`, or `KEY@3` for its third version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingRef {
    /// Its key.
    pub key: Code,
    /// Which version; nothing for the newest.
    pub number: Option<i32>,
}

impl FromStr for MappingRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, number) = match text.split_once('@') {
            None => (text, None),
            Some((key, number)) => {
                let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                let number = number.parse().ok().filter(|&number: &i32| digits && number > 0);
                (key, Some(number.ok_or("the number of a version follows @, from 1: KEY@3")?))
            }
        };
        Ok(Self { key: key.parse().map_err(|error| format!("{error}"))?, number })
    }
}

impl fmt::Display for MappingRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "{}@{number}", self.key),
            None => self.key.fmt(f),
        }
    }
}

/// What mappings can be narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct MappingFilter {
    /// Of tables of this source.
    pub source: Option<SourceId>,
}

/// What mappings can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MappingSort {
    /// The key.
    #[default]
    Key,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for MappingSort {
    fn name(self) -> &'static str {
        match self {
            Self::Key => "mappings.key",
            Self::CreatedAt => "mappings.created",
        }
    }
}

impl Noun for Mapping {
    type Id = MappingId;
    type Key = Code;
    type Filter = MappingFilter;
    type Sort = MappingSort;
    type Parent = NoParent;

    fn key(&self) -> Option<&Code> {
        Some(&self.key)
    }

    fn check(&self, problems: &mut Problems) {
        for problem in self.content.problems().iter() {
            let path = ["content".to_owned()].into_iter().chain(problem.path.0.iter().cloned());
            problems.add(FieldPath(path.collect()), problem.code, problem.message.clone());
        }
        let json = serde_json::to_string(&self.content).unwrap_or_default();
        if json.len() > MOST_BYTES {
            problems.add("content", ProblemCode::TooLong, "a mapping that is kept is at most 128 KiB of JSON");
        }
        if json.contains("\\u0000") {
            problems.add("content", ProblemCode::Invalid, "the character 0 stands in no text");
        }
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        vec![("source", NodeRef { kind: NodeKind::Source, id: self.source.into() })]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_by_its_number() {
        let of = |text: &str| text.parse::<MappingRef>().map(|named| (named.key.to_string(), named.number));
        assert_eq!(of("laus"), Ok(("laus".to_owned(), None)));
        assert_eq!(of("laus@3"), Ok(("laus".to_owned(), Some(3))));
        for bad in ["", "@1", "laus@", "laus@0", "laus@-1", "laus@+1", "laus@1@2", "laus@99999999999", "a b"] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert_eq!("laus@3".parse::<MappingRef>().unwrap().to_string(), "laus@3");
    }
}
