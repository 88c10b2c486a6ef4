//! Locks on periods: after one, figures change only by restatement.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    error::{ProblemCode, Problems},
    id::{CommunityId, IndicatorId, NetworkId, NodeRef, PeriodLockId},
    page::SortKey,
    record::{NoKey, Noun},
    rules::{self, PROSE_LENGTH},
    text::LocalizedText,
};

/// A lock on the figures of a community, or of the members of a network: those for periods that end by its day are recorded,
/// changed and retracted only with a reason, by stewards (see [`crate::revision::Restatement`]). It is never changed; lifted, it
/// no longer holds and stays readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeriodLock {
    /// Whose figures, if a community's.
    pub community: Option<CommunityId>,
    /// The figures of whose members, if a network's.
    pub network: Option<NetworkId>,
    /// By this indicator; by any, if none is named.
    pub indicator: Option<IndicatorId>,
    /// Periods that end on this day or before it are locked.
    pub until: NaiveDate,
    /// Why.
    pub reason: LocalizedText,
    /// Why it was lifted, if it was.
    pub lifted: Option<LocalizedText>,
}

/// What locks can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PeriodLockFilter {
    /// On this community's figures.
    pub community: Option<CommunityId>,
    /// On those of this network's members.
    pub network: Option<NetworkId>,
    /// Whether it holds, or was lifted.
    pub lifted: Option<bool>,
}

/// What locks can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PeriodLockSort {
    /// When they were made.
    #[default]
    CreatedAt,
    /// Until when they lock.
    Until,
}

impl SortKey for PeriodLockSort {
    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "locks.created",
            Self::Until => "locks.until",
        }
    }
}

/// Whose locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodLockParent {
    /// On a community's figures.
    Community,
    /// On those of a network's members.
    Network,
}

impl Noun for PeriodLock {
    type Id = PeriodLockId;
    type Key = NoKey;
    type Filter = PeriodLockFilter;
    type Sort = PeriodLockSort;
    type Parent = PeriodLockParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        problems.require(
            self.community.is_some() != self.network.is_some(),
            "community",
            ProblemCode::Required,
            "a lock is on the figures of one community, or on those of a network's members",
        );
        rules::text(problems, "reason", &self.reason, PROSE_LENGTH);
        rules::optional_text(problems, "lifted", self.lifted.as_ref(), PROSE_LENGTH);
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let community = self.community.map(|id| ("community", id.into()));
        let network = self.network.map(|id| ("network", id.into()));
        let indicator = self.indicator.map(|id| ("indicator", id.into()));
        community.into_iter().chain(network).chain(indicator).collect()
    }
}
