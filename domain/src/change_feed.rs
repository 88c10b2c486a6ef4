//! The feed of changes: every revision of every figure, in the order in which they came to be kept.

use chrono::{DateTime, Utc};

use crate::{
    id::{CommunityId, IndicatorId, NetworkId, SourceId},
    observation::Observation,
};

/// A place in the feed: what precedes it has been read. Places are of the unit of work in which figures were recorded, in the order
/// in which units of work were committed, and within one of its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FeedPlace {
    /// Counts up over all units of work.
    pub part: i64,
    /// How many of the figures of that part have been read.
    pub offset: i64,
}

/// The secret under which readers are told of places. A place counts what others recorded too, also what a reader may not see,
/// and is therefore never told as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CursorKey(pub [u8; 32]);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// Where the feed is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From the first figure on.
    Beginning,
    /// Only what is recorded from now on.
    Now,
    /// From where an earlier answer ended.
    Place(FeedPlace),
}

/// What changes can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Of the members of this network, as they are now.
    pub network: Option<NetworkId>,
    /// Of this community.
    pub community: Option<CommunityId>,
    /// By this indicator, whatever its version.
    pub indicator: Option<IndicatorId>,
    /// From this source.
    pub source: Option<SourceId>,
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A figure was recorded, or another took its place.
    Recorded,
    /// A figure was withdrawn.
    Retracted,
    /// The embargo on a figure recorded earlier has ended.
    Released,
}

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureChange {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The revision that was recorded.
    pub observation: Observation,
    /// The revision whose place it took, if the reader may see that.
    pub previous: Option<Observation>,
}

/// A part of the feed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangePage {
    /// The changes, in their order.
    pub changes: Vec<FigureChange>,
    /// Where the next part begins.
    pub next: FeedPlace,
    /// Whether there is more already.
    pub more: bool,
}

/// A question to the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeQuery {
    /// Which changes.
    pub filter: ChangeFilter,
    /// From where on.
    pub from: FeedPlace,
    /// Up to where, itself not included: what came to be kept later may be hidden from who looks at an earlier moment, and would
    /// be passed over.
    pub until: FeedPlace,
    /// At most so many.
    pub most: usize,
    /// The moment of reading, for embargoes.
    pub now: DateTime<Utc>,
}
