//! Grants: roles that accounts hold.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    access::{Held, Place, Role},
    error::{ProblemCode, Problems},
    id::{AccountId, CommunityId, GrantId, NetworkId, NodeRef, PartnerId},
    page::SortKey,
    record::{NoKey, Noun},
};

/// A role that an account holds at a place. Who gave it and when is in its record; taken back, it is archived, and who took it
/// back and when stands there too. It never changes otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Whose.
    pub account: AccountId,
    /// What they are trusted with.
    pub role: Role,
    /// In this network.
    pub network: Option<NetworkId>,
    /// In this community.
    pub community: Option<CommunityId>,
    /// For this partner.
    pub partner: Option<PartnerId>,
    /// The moment it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Grant {
    /// A grant at a place.
    pub fn new(account: AccountId, role: Role, at: Place, expires_at: Option<DateTime<Utc>>) -> Self {
        let (mut network, mut community, mut partner) = (None, None, None);
        match at {
            Place::Everywhere => {}
            Place::Network(id) => network = Some(id),
            Place::Community(id) => community = Some(id),
            Place::Partner(id) => partner = Some(id),
        }
        Self { account, role, network, community, partner, expires_at }
    }

    /// Where it is held; nothing if it names several places.
    pub fn place(&self) -> Option<Place> {
        match (self.network, self.community, self.partner) {
            (None, None, None) => Some(Place::Everywhere),
            (Some(id), None, None) => Some(Place::Network(id)),
            (None, Some(id), None) => Some(Place::Community(id)),
            (None, None, Some(id)) => Some(Place::Partner(id)),
            _ => None,
        }
    }

    /// As the policy looks at it.
    pub fn held(&self) -> Option<Held> {
        Some(Held { role: self.role, at: self.place()?, until: self.expires_at })
    }
}

/// What grants can be narrowed by; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct GrantFilter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// In this network.
    pub network: Option<NetworkId>,
    /// In this community.
    pub community: Option<CommunityId>,
    /// For this partner.
    pub partner: Option<PartnerId>,
    /// One of these roles.
    pub roles: Option<Vec<Role>>,
}

/// What grants can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GrantSort {
    /// When they were given.
    #[default]
    CreatedAt,
    /// When they end; those that do not end come before all others.
    ExpiresAt,
}

impl SortKey for GrantSort {
    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "grants.created",
            Self::ExpiresAt => "grants.expires",
        }
    }
}

/// Whose grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantParent {
    /// An account's.
    Account,
    /// In a network.
    Network,
    /// In a community.
    Community,
    /// For a partner.
    Partner,
}

impl Noun for Grant {
    type Id = GrantId;
    type Key = NoKey;
    type Filter = GrantFilter;
    type Sort = GrantSort;
    type Parent = GrantParent;

    fn key(&self) -> Option<&NoKey> {
        None
    }

    fn check(&self, problems: &mut Problems) {
        let fits = self.place().is_some_and(|place| self.role.places().contains(&place.kind()));
        problems.require(
            fits,
            "role",
            ProblemCode::Invalid,
            format!("{} is held at one place of these kinds: {:?}", self.role, self.role.places()),
        );
    }

    fn references(&self) -> Vec<(&'static str, NodeRef)> {
        let mut references = vec![("account", self.account.into())];
        references.extend(self.network.map(|id| ("network", id.into())));
        references.extend(self.community.map(|id| ("community", id.into())));
        references.extend(self.partner.map(|id| ("partner", id.into())));
        references
    }
}
