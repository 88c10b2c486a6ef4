//! What other processes are told: that something changed, never what it says.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{IndicatorId, NetworkId};

/// Something that happened, as published after the change is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Event {
    /// A record was created, changed, archived or restored.
    RecordChanged {
        /// The kind of record, as the schema names it.
        noun: String,
        /// Which one.
        id: Uuid,
        /// The version it now has.
        version: i32,
        /// What derived figures must be computed anew.
        topics: BTreeSet<Topic>,
    },
    /// Sessions ended or passwords changed: whatever is kept of who acts is out of date.
    IdentityChanged,
    /// A key that access tokens are signed with was added or retired.
    KeysChanged,
    /// Figures were recorded.
    ObservationsRecorded {
        /// Of these indicators.
        indicators: BTreeSet<IndicatorId>,
        /// How many revisions were written.
        revisions: u64,
    },
}

/// What a derived figure depends on. Every topic has a version that grows in the same transaction as the change, so a
/// result computed for one version is never taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// Any community: codes, populations, data authority.
    Communities,
    /// A network: its members and targets.
    Network(NetworkId),
    /// An indicator: its versions, figures, baselines and targets.
    Indicator(IndicatorId),
}

impl Topic {
    /// The key under which its version is kept.
    pub fn key(&self) -> String {
        match self {
            Self::Communities => "communities".to_owned(),
            Self::Network(id) => format!("network:{id}"),
            Self::Indicator(id) => format!("indicator:{id}"),
        }
    }
}

impl Event {
    /// Whether who may do what may have changed.
    pub fn concerns_actors(&self) -> bool {
        match self {
            Self::IdentityChanged => true,
            Self::RecordChanged { noun, .. } => crate::service::DECIDING.iter().any(|kind| kind.name() == noun),
            Self::KeysChanged | Self::ObservationsRecorded { .. } => false,
        }
    }

    /// The topics whose version this event raises.
    pub fn topics(&self) -> BTreeSet<Topic> {
        match self {
            Self::RecordChanged { topics, .. } => topics.clone(),
            Self::IdentityChanged | Self::KeysChanged => BTreeSet::new(),
            Self::ObservationsRecorded { indicators, .. } => indicators.iter().copied().map(Topic::Indicator).collect(),
        }
    }
}
