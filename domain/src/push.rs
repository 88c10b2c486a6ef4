//! Pushes: many figures at once, by identifiers or by the codes that others know things by.

use serde::{Deserialize, Serialize};

use crate::{
    code::codes,
    error::{Problem, ProblemCode},
    id::{CommunityId, IndicatorVersionId, SourceId},
    key::{Code, ExternalId},
    observation::Figure,
    period::Period,
    quality::Finding,
    revision::Restatement,
    series::Disaggregation,
};

/// The most rows of one push.
pub const MOST_ROWS: usize = 10_000;
/// The longest key of a push, characters.
pub const KEY_LENGTH: usize = 255;
/// How long a key of a push is remembered, days.
pub const KEY_DAYS: i64 = 7;

codes! {
    /// What becomes of a push some of whose rows are refused.
    pub enum PushMode {
        /// Nothing of it is kept.
        Atomic = "ATOMIC",
        /// The other rows are kept.
        BestEffort = "BEST_EFFORT",
    }
}

/// How a row names its community.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CommunityRef {
    /// By its identifier.
    Id(CommunityId),
    /// By a code that others know it by.
    Code(ExternalId),
}

/// How a row names its indicator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IndicatorRef {
    /// By the identifier of a definition.
    Version(IndicatorVersionId),
    /// By its code: the definition that is in force on the day of the push.
    Code(Code),
}

/// How a row names its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceRef {
    /// By its identifier.
    Id(SourceId),
    /// By its key.
    Key(Code),
}

/// A figure to record, as whoever pushes it knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct PushRow {
    /// Whose.
    pub community: CommunityRef,
    /// By which definition.
    pub indicator: IndicatorRef,
    /// Where it comes from.
    pub source: SourceRef,
    /// About which part of the population.
    pub disaggregation: Disaggregation,
    /// For which period.
    pub period: Period,
    /// What is known.
    pub figure: Figure,
    /// Whether it says nothing of its confidentiality; see [`crate::observation::NewObservation::inherits`].
    pub inherits: bool,
}

/// The name under which a push is known again when it is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushKey {
    /// What the caller calls it, at most [`KEY_LENGTH`] characters; it is the caller's own.
    pub key: String,
    /// The SHA-256 of what is pushed.
    pub digest: [u8; 32],
}

/// Many figures to record.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    /// The rows in their order; those that could not be read, with why.
    pub rows: Vec<Result<PushRow, Problem>>,
    /// What becomes of it if rows are refused.
    pub mode: PushMode,
    /// Whether nothing is to be kept.
    pub dry_run: bool,
    /// Whether all of it waits until a steward publishes it, though the actor could.
    pub submit: bool,
    /// Why it changes figures of locked periods, if it does.
    pub restatement: Option<Restatement>,
    /// The name under which it is known again.
    pub key: Option<PushKey>,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Its place in the push, from 0.
    pub row: u32,
    /// The field at fault, as steps of a path within the row; empty for the row as a whole.
    pub path: Vec<String>,
    /// The kind of rule.
    pub code: ProblemCode,
    /// What is wrong and what would be right, for people.
    pub message: String,
}

impl Rejection {
    /// The row at this place was refused for this problem.
    pub fn new(row: usize, problem: Problem) -> Self {
        // A push has at most `MOST_ROWS` rows.
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        Self { row, path: problem.path.0, code: problem.code, message: problem.message }
    }
}

/// Something doubtful in a row that was not refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// Its place in the push, from 0.
    pub row: u32,
    /// What.
    pub finding: Finding,
}

/// What a row would write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Its place in the push, from 0.
    pub row: u32,
    /// The figure as it is, if there is one that the caller may read: for a row that would wait, the one that waits now, or else the
    /// published one.
    pub before: Option<Figure>,
    /// The figure as it would be; where the caller may not read what it takes the place of, as the row has it.
    pub after: Figure,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Pushed {
    /// Rows that were the first of their series and period.
    pub created: u64,
    /// Rows that said something else than the current revision.
    pub updated: u64,
    /// Rows that said the same.
    pub unchanged: u64,
    /// Rows that wait until a steward publishes them.
    pub received: u64,
    /// The rows that were refused, by their place.
    pub rejections: Vec<Rejection>,
    /// What is doubtful in the others, by their place, as far as whoever pushes them may know.
    pub doubts: Vec<Doubt>,
    /// Of a dry run: what it would write, by place.
    pub differences: Vec<Difference>,
    /// Whether what was created, updated and received is kept.
    pub kept: bool,
    /// Whether this was answered before, under the same key.
    #[serde(skip)]
    pub repeated: bool,
}
