//! Who may do what: the only place that decides.

mod policy;
mod role;
mod scope;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use chrono::{DateTime, Utc};

pub use policy::{Need, Needs, require, require_anybody};
pub use role::{Held, Place, PlaceKind, Role};
pub use scope::{Limited, Reader, Scope};

use crate::{
    api_token::TokenAction,
    id::{AccountId, ApiTokenId, CommunityId, IndicatorId, NetworkId, SessionId},
};

/// Who is asking, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// From where; for the audit log.
    pub origin: Origin,
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular.
    Anonymous,
    /// Whoever runs the installation: the command line, or the holder of the operator's token. May do everything.
    Operator(Arc<str>),
    /// Somebody who has signed in.
    Person(Arc<Person>),
    /// A program with an API token.
    Integration(Arc<Integration>),
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// The session that they act in; nothing for those whom another provider has signed in.
    pub session: Option<SessionId>,
    /// The roles that they hold.
    pub grants: Vec<Held>,
    /// The networks that the communities of their grants are in today.
    pub memberships: BTreeSet<(CommunityId, NetworkId)>,
}

/// A program with an API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// The token.
    pub token: ApiTokenId,
    /// For these communities.
    pub communities: BTreeSet<CommunityId>,
    /// For these indicators; all of them if none is named.
    pub indicators: BTreeSet<IndicatorId>,
    /// What it may do.
    pub actions: BTreeSet<TokenAction>,
    /// The moment the token ends.
    pub until: Option<DateTime<Utc>>,
    /// The networks that its communities are in today.
    pub memberships: BTreeSet<(CommunityId, NetworkId)>,
}

impl Integration {
    /// Whether it may do this for figures of the community by the indicator; any indicator, if none is named.
    pub fn may(
        &self,
        action: TokenAction,
        community: CommunityId,
        indicator: Option<IndicatorId>,
        now: DateTime<Utc>,
    ) -> bool {
        let of_indicator = |indicator| self.indicators.is_empty() || self.indicators.contains(&indicator);
        self.until.is_none_or(|until| now < until)
            && self.actions.contains(&action)
            && self.communities.contains(&community)
            && indicator.is_none_or(of_indicator)
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The id of the request.
    pub request: Option<Arc<str>>,
    /// The address of the client.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// This one, from nowhere in particular.
    pub fn new(who: Who) -> Self {
        Self { who, origin: Origin::default() }
    }

    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self::new(Who::Anonymous)
    }

    /// Whoever runs the installation, by the name under which their changes are recorded.
    pub fn operator(name: &str) -> Self {
        Self::new(Who::Operator(name.into()))
    }

    /// The name under which this actor's changes are recorded: an identifier, never a person's name.
    pub fn name(&self) -> String {
        match &self.who {
            Who::Anonymous => "anonymous".to_owned(),
            Who::Operator(name) => name.to_string(),
            Who::Person(person) => format!("account:{}", person.account),
            Who::Integration(integration) => format!("token:{}", integration.token),
        }
    }

    /// The account, if the actor has one.
    pub fn account(&self) -> Option<AccountId> {
        match &self.who {
            Who::Person(person) => Some(person.account),
            _ => None,
        }
    }

    /// The roles held, those that have ended among them.
    pub fn grants(&self) -> &[Held] {
        match &self.who {
            Who::Person(person) => &person.grants,
            _ => &[],
        }
    }

    /// Whether the actor holds this role at this place. Whoever runs the installation holds every role everywhere.
    pub fn holds(&self, role: Role, at: Place, now: DateTime<Utc>) -> bool {
        matches!(self.who, Who::Operator(_))
            || self.grants().iter().any(|held| held.role == role && held.at == at && held.is_in_force(now))
    }

    /// What this actor can read at this moment.
    pub fn scope(&self, now: DateTime<Utc>) -> Scope {
        match &self.who {
            Who::Anonymous => Scope::Public,
            Who::Operator(_) => Scope::Everything,
            Who::Person(person) => Scope::of(person.reader(now)),
            Who::Integration(integration) => Scope::of(integration.reader(now)),
        }
    }
}

impl Person {
    fn reader(&self, now: DateTime<Utc>) -> Reader {
        let mut reader = Reader { account: Some(self.account), ..Reader::default() };
        let can_be_held = |held: &&Held| held.role.places().contains(&held.at.kind());
        for held in self.grants.iter().filter(|held| held.is_in_force(now)).filter(can_be_held) {
            match (held.at, held.role) {
                (Place::Community(community), role) => {
                    reader.own.insert(community);
                    if matches!(role, Role::Steward | Role::DataAuthority) {
                        reader.stewarded.insert(community);
                    }
                    if matches!(role, Role::Steward | Role::Contributor) {
                        reader.contributed.insert(community);
                    }
                }
                (Place::Network(network), Role::MemberReader | Role::Reviewer) => {
                    reader.networks.insert(network);
                }
                (Place::Network(network), Role::Coordinator) => {
                    reader.networks.insert(network);
                    reader.coordinated.insert(network);
                }
                (Place::Partner(partner), _) => {
                    reader.partners.insert(partner);
                }
                (Place::Everywhere, Role::Administrator) => reader.administrator = true,
                (Place::Network(network), Role::Funder) => {
                    reader.funded.insert(network);
                }
                (Place::Network(_) | Place::Everywhere, _) => {}
            }
        }
        let shared = self.memberships.iter().filter(|(community, _)| reader.own.contains(community));
        reader.networks.extend(shared.map(|(_, network)| *network));
        reader
    }
}

impl Integration {
    /// A program that may read does so as a member of its communities, for the indicators that its token names nothing but figures;
    /// one that may not sees what is public.
    fn reader(&self, now: DateTime<Utc>) -> Reader {
        let reads = self.actions.contains(&TokenAction::Read) && self.until.is_none_or(|until| now < until);
        if !reads {
            return Reader::default();
        }
        let communities = self.communities.clone();
        let networks = self.memberships.iter().map(|(_, network)| *network).collect();
        if self.indicators.is_empty() {
            return Reader { own: communities, networks, ..Reader::default() };
        }
        let indicators = self.indicators.clone();
        Reader { limited: Limited { communities, networks, indicators }, ..Reader::default() }
    }
}
