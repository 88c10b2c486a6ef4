//! Roles, and where they are held.

use chrono::{DateTime, Utc};

use crate::{
    code::codes,
    id::{CommunityId, NetworkId, PartnerId},
};

codes! {
    /// What somebody is trusted with, at one place.
    pub enum Role {
        /// Reads what is shared within a network, or within a community and the networks that it is in.
        MemberReader = "MEMBER_READER",
        /// Writes drafts for a community: learnings, initiatives, and figures that its steward publishes.
        Contributor = "CONTRIBUTOR",
        /// Answers for a community's data: figures, targets, visibility, consent.
        Steward = "STEWARD",
        /// Speaks for a partner: its own record and participations.
        PartnerRepresentative = "PARTNER_REPRESENTATIVE",
        /// Reviews learnings of others in a network.
        Reviewer = "REVIEWER",
        /// Runs a network: its indicators, members and comparisons. Edits no community's data and reads nothing private.
        Coordinator = "COORDINATOR",
        /// Speaks for the Indigenous data authority of a community: approves or vetoes what leaves it.
        DataAuthority = "DATA_AUTHORITY",
        /// Reads totals of a network and what is explicitly shared.
        Funder = "FUNDER",
        /// Manages accounts and reads the audit log; no content by that alone.
        Administrator = "ADMINISTRATOR",
    }
}

/// The kind of place that a role is held at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceKind {
    /// The whole installation.
    Everywhere,
    /// A network.
    Network,
    /// A community.
    Community,
    /// A partner.
    Partner,
}

/// Where a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The whole installation.
    Everywhere,
    /// A network.
    Network(NetworkId),
    /// A community.
    Community(CommunityId),
    /// A partner.
    Partner(PartnerId),
}

impl Place {
    /// What kind of place it is.
    pub const fn kind(self) -> PlaceKind {
        match self {
            Self::Everywhere => PlaceKind::Everywhere,
            Self::Network(_) => PlaceKind::Network,
            Self::Community(_) => PlaceKind::Community,
            Self::Partner(_) => PlaceKind::Partner,
        }
    }
}

impl Role {
    /// Where the role can be held.
    pub const fn places(self) -> &'static [PlaceKind] {
        match self {
            Self::MemberReader => &[PlaceKind::Network, PlaceKind::Community],
            Self::Contributor | Self::Steward | Self::DataAuthority => &[PlaceKind::Community],
            Self::PartnerRepresentative => &[PlaceKind::Partner],
            Self::Reviewer | Self::Coordinator | Self::Funder => &[PlaceKind::Network],
            Self::Administrator => &[PlaceKind::Everywhere],
        }
    }
}

/// A role held at a place, until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// The role.
    pub role: Role,
    /// Where.
    pub at: Place,
    /// The moment it ends, if it does.
    pub until: Option<DateTime<Utc>>,
}

impl Held {
    /// Whether it is held at this moment.
    pub fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
