//! Memberships: a community's place in a network, with its consent to share data.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    error::Problems,
    id::{CommunityId, MembershipId, NetworkId, NodeRef},
    page::SortKey,
    record::{NoKey, Noun},
    rules::{self, NAME_LENGTH, PROSE_LENGTH},
    text::LocalizedText,
};

/// A community's place in a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// The network.
    pub network: NetworkId,
    /// The community.
    pub community: CommunityId,
    /// The first day of the membership.
    pub joined_on: NaiveDate,
    /// The day it left; from then on writes through this network are refused, and its history stays under its consent.
    pub left_on: Option<NaiveDate>,
    /// Its consent to share data, where one is recorded. Only administrators see it.
    pub consent: Option<Consent>,
}

/// A recorded consent to share data within a network; it can be withdrawn by removing it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consent {
    /// What the data may be used for.
    pub purpose: LocalizedText,
    /// Which data it covers.
    pub scope: LocalizedText,
    /// Who gave it.
    pub granted_by: String,
    /// Its last day, if it ends.
    pub expires_on: Option<NaiveDate>,
}

impl Membership {
    /// Whether the community is a member on `day`.
    pub fn is_current(&self, day: NaiveDate) -> bool {
        self.joined_on <= day && self.left_on.is_none_or(|left| day < left)
    }
}

/// What memberships can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct MembershipFilter {
    /// Of this network.
    pub network: Option<NetworkId>,
    /// Of this community.
    pub community: Option<CommunityId>,
    /// In force on this day.
    pub on: Option<NaiveDate>,
}

/// What memberships can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MembershipSort {
    /// The first day.
    #[default]
    JoinedOn,
    /// When it was recorded.
    CreatedAt,
}

impl SortKey for MembershipSort {
    fn name(self) -> &'static str {
        match self {
            Self::JoinedOn => "memberships.joined",
            Self::CreatedAt => "memberships.created",
        }
    }
}

/// Whose memberships.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MembershipParent {
    /// A network's members.
    Network,
    /// A community's networks.
    Community,
}

impl Noun for Membership {
    type Id = MembershipId;
    type Key = NoKey;
    type Filter = MembershipFilter;
    type Sort = MembershipSort;
    type Parent = MembershipParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        rules::dates_in_order(problems, "leftOn", self.joined_on, self.left_on);
        if let Some(consent) = &self.consent {
            rules::text(problems, "consent.purpose", &consent.purpose, PROSE_LENGTH);
            rules::text(problems, "consent.scope", &consent.scope, NAME_LENGTH);
            rules::label(problems, "consent.grantedBy", &consent.granted_by);
            rules::dates_in_order(problems, "consent.expiresOn", self.joined_on, consent.expires_on);
        }
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        vec![("network", self.network.into()), ("community", self.community.into())]
    }
}
