//! Who may change what: pure functions over who acts, and what a change asks for. Whatever is not allowed here is refused.

use chrono::{DateTime, Utc};

use super::{Actor, Place, Role, Who};
use crate::{
    api_token::TokenAction,
    error::{Error, Result},
    id::{AccountId, CommunityId, IndicatorId, NetworkId, PartnerId},
};

/// What a change asks of whoever makes it: any one of these suffices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs(Vec<Need>);

/// One way of being allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// This role at this place.
    Held(Role, Place),
    /// This role anywhere.
    Anywhere(Role),
    /// Whoever it is about.
    Oneself(AccountId),
    /// An integration that may do this for some figures.
    IntegrationAnywhere(TokenAction),
    /// An integration that may do this for these figures.
    Integration(TokenAction, CommunityId, Option<IndicatorId>),
}

impl Needs {
    /// Only whoever runs the installation.
    pub fn operator() -> Self {
        Self::default()
    }

    /// An administrator.
    pub fn administrator() -> Self {
        Self(vec![Need::Held(Role::Administrator, Place::Everywhere)])
    }

    /// One of these roles in the community.
    pub fn community(community: CommunityId, roles: &[Role]) -> Self {
        Self(roles.iter().map(|&role| Need::Held(role, Place::Community(community))).collect())
    }

    /// Whoever answers for the community's data.
    pub fn steward(community: CommunityId) -> Self {
        Self::community(community, &[Role::Steward])
    }

    /// Whoever may make a network.
    pub fn to_create_networks() -> Self {
        Self::administrator()
    }

    /// Whoever may make a community: members are taken in by those who run networks.
    pub fn to_create_communities() -> Self {
        Self::administrator().or(Self::anywhere(&[Role::Coordinator]))
    }

    /// Whoever may make an indicator.
    pub fn to_create_indicators() -> Self {
        Self::anywhere(&[Role::Coordinator])
    }

    /// Whoever may name partners and sources: everybody who writes anywhere.
    pub fn to_create_partners_and_sources() -> Self {
        Self::anywhere(&[Role::Steward, Role::Coordinator, Role::Contributor])
    }

    /// Whoever records or sends in figures of any community.
    pub fn recording() -> Self {
        Self::anywhere(&[Role::Steward, Role::Contributor])
            .or_need(Need::IntegrationAnywhere(TokenAction::RecordFigures))
    }

    /// Whose figures of the community, by this indicator or any, are published at once: its steward's, and those of a program
    /// whose token says so.
    pub fn to_publish(community: CommunityId, indicator: Option<IndicatorId>) -> Self {
        Self::steward(community).or_need(Need::Integration(TokenAction::PublishFigures, community, indicator))
    }

    /// Whoever may send them in for the steward to publish: besides those, whoever writes for the community.
    pub fn to_submit(community: CommunityId, indicator: Option<IndicatorId>) -> Self {
        Self::contributor(community).or_need(Need::Integration(TokenAction::RecordFigures, community, indicator))
    }

    /// Whoever writes for the community.
    pub fn contributor(community: CommunityId) -> Self {
        Self::community(community, &[Role::Contributor, Role::Steward])
    }

    /// Whoever runs the network.
    pub fn coordinator(network: NetworkId) -> Self {
        Self(vec![Need::Held(Role::Coordinator, Place::Network(network))])
    }

    /// Whoever speaks for the partner.
    pub fn representative(partner: PartnerId) -> Self {
        Self(vec![Need::Held(Role::PartnerRepresentative, Place::Partner(partner))])
    }

    /// Whoever has one of these roles anywhere.
    pub fn anywhere(roles: &[Role]) -> Self {
        Self(roles.iter().map(|&role| Need::Anywhere(role)).collect())
    }

    /// These, or those.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// These, or this.
    #[must_use]
    pub fn or_need(mut self, need: Need) -> Self {
        self.0.push(need);
        self
    }

    /// Whether the actor meets one of them at this moment.
    pub fn met_by(&self, actor: &Actor, now: DateTime<Utc>) -> bool {
        matches!(actor.who, Who::Operator(_)) || self.0.iter().any(|need| need.met_by(actor, now))
    }
}

impl Need {
    fn met_by(self, actor: &Actor, now: DateTime<Utc>) -> bool {
        match self {
            Self::Held(role, at) => actor.holds(role, at, now),
            Self::Anywhere(role) => actor.grants().iter().any(|held| held.role == role && held.is_in_force(now)),
            Self::Oneself(account) => actor.account() == Some(account),
            Self::IntegrationAnywhere(action) => match &actor.who {
                Who::Integration(integration) => {
                    integration.actions.contains(&action) && integration.until.is_none_or(|until| now < until)
                }
                _ => false,
            },
            Self::Integration(action, community, indicator) => match &actor.who {
                Who::Integration(integration) => integration.may(action, community, indicator, now),
                _ => false,
            },
        }
    }
}

/// Refuses an actor who meets none of the needs; `what` completes “sign in to …” and “you may not …”.
///
/// # Errors
/// [`Error::Unauthenticated`] for nobody in particular, [`Error::Forbidden`] for anybody else.
pub fn require(actor: &Actor, needs: &Needs, now: DateTime<Utc>, what: &'static str) -> Result<()> {
    if needs.met_by(actor, now) {
        return Ok(());
    }
    Err(refused(actor, what))
}

/// Refuses nobody in particular before anything is looked up: what they ask for stays unknown.
///
/// # Errors
/// [`Error::Unauthenticated`].
pub fn require_anybody(actor: &Actor, what: &'static str) -> Result<()> {
    if matches!(actor.who, Who::Anonymous) { Err(Error::Unauthenticated(what)) } else { Ok(()) }
}

fn refused(actor: &Actor, what: &'static str) -> Error {
    if matches!(actor.who, Who::Anonymous) { Error::Unauthenticated(what) } else { Error::Forbidden(what) }
}
