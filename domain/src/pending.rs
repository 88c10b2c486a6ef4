//! Figures that were sent in and wait until a steward publishes them. Until then they are no observations: no other read can
//! find them, not even that there is a series of theirs.
//!
//! RECEIVED -> VALIDATED, both -> DECLINED, and any of them is published: then it is recorded as a revision like any other and
//! waits no longer.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::Scope,
    code::codes,
    error::{Problem, ProblemCode},
    id::{CommunityId, IndicatorId, SeriesId, SourceId},
    observation::{Figure, Outcome},
    page::{Cursor, CursorValue, Order, SortKey},
    period::Period,
    quality::Finding,
    revision::Restatement,
    series::Series,
};

/// The most figures that are decided about by their ids at once.
pub const MOST_IDS: usize = 1_000;
/// The most figures that are decided about at once where a filter chooses them, the oldest first.
pub const MOST_MATCHING: u64 = 10_000;
/// The longest reason, characters.
pub const REASON_LENGTH: usize = 2_000;

/// A figure that waits. What replaces it has another identifier: whoever decides about one that they saw never decides about
/// another that came since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PendingId(pub Uuid);

impl fmt::Display for PendingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

codes! {
    /// How far a figure that waits has come.
    pub enum PendingState {
        /// It was sent in.
        Received = "RECEIVED",
        /// A steward found it right; it is not published yet.
        Validated = "VALIDATED",
        /// A steward declined it. It stays, so that whoever sent it in learns why and the same is not asked for again.
        Declined = "DECLINED",
    }
}

/// A figure to be sent in.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// What it is called from now on.
    pub id: PendingId,
    /// What it would be of; there may be no such series yet.
    pub series: Arc<Series>,
    /// For which period.
    pub period: Period,
    /// What it says.
    pub figure: Figure,
    /// See [`crate::observation::NewObservation::inherits`].
    pub inherits: bool,
    /// Why it changes a figure of a locked period, if it does.
    pub restatement: Option<Restatement>,
    /// What is doubtful in it.
    pub findings: Vec<Finding>,
    /// Whether it may be open to more readers than the published figure.
    pub may_open: bool,
}

/// Who sends figures in. That what they say is there already, they are told only of figures that they read or sent in
/// themselves: with any other answer they could find by trying what they may not read.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// [`crate::access::Actor::name`].
    pub name: &'a str,
    /// Which figures that wait they see.
    pub sight: &'a PendingSight,
    /// Which published figures they read.
    pub reader: &'a Scope,
}

/// What became of a figure that was sent in.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// [`Outcome::Received`], [`Outcome::Unchanged`] or [`Outcome::Rejected`].
    pub outcome: Outcome,
    /// What waits now, if anything does.
    pub id: Option<PendingId>,
    /// Of a received one: another that waited, whose place it took.
    pub replaced: Option<Replaced>,
    /// Of a received one: the series in which a figure for its period is published, if one is.
    pub published: Option<SeriesId>,
}

/// A figure that waited until another took its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Replaced {
    /// What it said.
    pub figure: Figure,
    /// Who had sent it in: [`crate::access::Actor::name`].
    pub by: String,
}

/// A figure that waits until a steward publishes it.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingObservation {
    /// Which.
    pub id: PendingId,
    /// What it would be of.
    pub series: Series,
    /// For which period.
    pub period: Period,
    /// What it says.
    pub figure: Figure,
    /// See [`crate::observation::NewObservation::inherits`].
    pub inherits: bool,
    /// Why it changes a figure of a locked period, if whoever sent it in said so.
    pub restatement: Option<Restatement>,
    /// What was doubtful in it when it was sent in.
    pub findings: Vec<Finding>,
    /// How far it has come.
    pub state: PendingState,
    /// When it was sent in.
    pub received_at: DateTime<Utc>,
    /// By whom: [`crate::access::Actor::name`].
    pub received_by: String,
    /// When somebody decided about it last.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who.
    pub decided_by: Option<String>,
    /// Why it was declined.
    pub reason: Option<String>,
}

/// Which of them somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PendingSight {
    /// All of them.
    Everything,
    /// Those of the communities that they answer for, and those that they sent in themselves.
    Of {
        /// The communities.
        communities: Vec<CommunityId>,
        /// The name under which their own were received.
        submitter: String,
    },
}

impl PendingSight {
    /// Whether a figure of the community that `by` sent in is among them.
    pub fn covers(&self, community: CommunityId, by: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Of { communities, submitter } => submitter == by || communities.contains(&community),
        }
    }
}

/// What figures that wait can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PendingFilter {
    /// Of this community.
    pub community: Option<CommunityId>,
    /// By this indicator.
    pub indicator: Option<IndicatorId>,
    /// From this source.
    pub source: Option<SourceId>,
    /// In one of these states.
    pub states: Option<Vec<PendingState>>,
    /// Those with findings, or those without, as far as the reader answers for the community; others have none to them.
    pub with_findings: Option<bool>,
    /// Received before this moment.
    pub received_before: Option<DateTime<Utc>>,
    /// Received after this one: ids are given in the order of time.
    pub after: Option<PendingId>,
}

/// What figures that wait can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PendingSort {
    /// When they were sent in. Ids are given in the order of time.
    #[default]
    ReceivedAt,
}

impl SortKey for PendingSort {
    fn name(self) -> &'static str {
        "pending.received"
    }
}

impl PendingObservation {
    /// Its place in a list in this order.
    pub fn cursor(&self, order: Order<PendingSort>) -> Cursor {
        Cursor { order: order.tag(), value: CursorValue::Missing(()), id: self.id.0 }
    }
}

/// Which figures that wait are decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// These.
    Ids(Vec<PendingId>),
    /// Those for which all this holds, the oldest first.
    Matching(PendingFilter),
}

/// What is decided about figures that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// They are right.
    Validate,
    /// They are recorded; those of locked periods for this reason, or else for the one with which they were sent in.
    Publish(Option<Restatement>),
    /// They are not recorded, for this reason.
    Decline(String),
}

/// A figure about which it could not be decided so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub id: PendingId,
    /// Why.
    pub code: ProblemCode,
    /// Why, for people.
    pub message: String,
}

impl Refusal {
    /// This one was refused for this problem.
    pub fn new(id: PendingId, problem: Problem) -> Self {
        Self { id, code: problem.code, message: problem.message }
    }
}

/// What became of figures about which was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// How many are now as was decided.
    pub decided: u64,
    /// How many were so already: the published figure says the same, or the state was the same.
    pub unchanged: u64,
    /// Those that are not.
    pub refusals: Vec<Refusal>,
    /// How many more the filter would choose.
    pub remaining: u64,
    /// The last that the filter chose, if it chose any: the rest comes after it.
    pub last: Option<PendingId>,
}
