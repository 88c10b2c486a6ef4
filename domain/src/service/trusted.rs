//! The rules of records that say who is trusted with what: sharing rules, decisions, accounts, grants and tokens.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Change, Context, Governed, governed::Concerned};
use crate::{
    access::{Need, Needs, Place, Role, Scope},
    account::Account,
    api_token::ApiToken,
    audit::Action,
    decision::AuthorityDecision,
    error::{Error, Problem, ProblemCode, Result},
    event::Topic,
    grant::{Grant, GrantFilter},
    id::{AccountId, ApiTokenId, AuthorityDecisionId, CommunityId, GrantId, NetworkId, SharingRuleId},
    membership::MembershipFilter,
    page::{ListQuery, MAX_PAGE, PageArgs},
    sharing::SharingRule,
};

/// What every comparison depends on.
fn every_comparison() -> BTreeSet<Topic> {
    [Topic::Communities].into()
}

#[async_trait]
impl Governed for SharingRule {
    const TO_WRITE: &'static str = "say how far figures are shared";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (Some(self.community), None)
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![("indicator", json!(self.indicator)), ("visibility", json!(self.visibility)), ("named", json!(self.named))]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let before = match change {
            Change::Update(before) => Some(Needs::steward(before.community)),
            Change::Create | Change::Archive(_) => None,
        };
        Ok(before.into_iter().chain([Needs::steward(self.community)]).collect())
    }

    fn topics(&self, _: SharingRuleId) -> BTreeSet<Topic> {
        every_comparison()
    }
}

#[async_trait]
impl Governed for AuthorityDecision {
    const TO_WRITE: &'static str = "decide for the Indigenous data authority";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (Some(self.community), self.network)
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("act", json!(self.act)),
            ("indicator", json!(self.indicator)),
            ("network", json!(self.network)),
            ("expiresOn", json!(self.expires_on)),
        ]
    }

    fn action(done: Action) -> Action {
        match done {
            Action::Create => Action::Decide,
            other => other,
        }
    }

    /// Only the authority itself decides: neither a coordinator nor a steward can take its place.
    async fn needs(&self, _: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![Needs::community(self.community, &[Role::DataAuthority])])
    }

    fn topics(&self, _: AuthorityDecisionId) -> BTreeSet<Topic> {
        every_comparison()
    }

    async fn admit(self, before: Option<&crate::record::Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        if before.is_some_and(|before| before.value != self) {
            let message = "a decision does not change: withdraw it and record another";
            return Err(Error::Conflict(Problem::new("id", ProblemCode::Immutable, message)));
        }
        let community = context.repositories.communities().get(&Scope::Everything, &[self.community]).await?.pop();
        if community.is_none_or(|community| community.indigenous_data_authority.is_none()) {
            let message = "no Indigenous data authority speaks for this community";
            return Err(Error::invalid("community", ProblemCode::Invalid, message));
        }
        Ok(self)
    }
}

#[async_trait]
impl Governed for Account {
    const TO_WRITE: &'static str = "change accounts";

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![("email", json!(self.email))]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![match change {
            // The address is what somebody is known by: another would be somebody else.
            Change::Update(before) if before.email == self.email => {
                Needs::administrator().or_need(Need::Oneself(before.id))
            }
            Change::Create | Change::Update(_) | Change::Archive(_) => Needs::administrator(),
        }])
    }

    fn topics(&self, _: AccountId) -> BTreeSet<Topic> {
        BTreeSet::new()
    }
}

#[async_trait]
impl Governed for Grant {
    const TO_WRITE: &'static str = "give or take back this role";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (self.community, self.network)
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("account", json!(self.account)),
            ("role", json!(self.role)),
            ("partner", json!(self.partner)),
            ("expiresAt", json!(self.expires_at)),
        ]
    }

    fn action(done: Action) -> Action {
        match done {
            Action::Create | Action::Restore => Action::Grant,
            Action::Archive => Action::Revoke,
            other => other,
        }
    }

    async fn needs(&self, change: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        let mut needs = Needs::administrator();
        match self.place() {
            Some(Place::Community(community)) => needs = needs.or(self.in_community(community, context).await?),
            Some(Place::Network(network)) => needs = needs.or(Needs::coordinator(network)),
            Some(Place::Partner(partner)) => needs = needs.or(Needs::representative(partner)),
            Some(Place::Everywhere) | None => {}
        }
        match change {
            Change::Archive(before) => needs = needs.or_need(Need::Oneself(before.account)),
            // Once an authority has spoken for itself, it alone names who speaks for it.
            Change::Create if self.role == Role::DataAuthority => {
                if let Some(community) = self.community
                    && holders(Role::DataAuthority, community, context).await?
                {
                    needs = Needs::community(community, &[Role::DataAuthority]);
                }
            }
            Change::Create | Change::Update(_) => {}
        }
        Ok(vec![needs])
    }

    fn topics(&self, _: GrantId) -> BTreeSet<Topic> {
        BTreeSet::new()
    }

    async fn admit(self, before: Option<&crate::record::Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        if before.is_some_and(|before| before.value != self) {
            let message = "a grant does not change: take it back and give another";
            return Err(Error::Conflict(Problem::new("id", ProblemCode::Immutable, message)));
        }
        if self.expires_at.is_some_and(|end| end <= context.now) && before.is_none() {
            return Err(Error::invalid("expiresAt", ProblemCode::OutOfRange, "it has passed already"));
        }
        Ok(self)
    }
}

impl Grant {
    /// Who besides administrators may give or take back this role in a community.
    async fn in_community(&self, community: CommunityId, context: &Context<'_>) -> Result<Needs> {
        match self.role {
            Role::DataAuthority => Ok(Needs::community(community, &[Role::DataAuthority])),
            // The first steward of a community is named by its network; from then on the community looks after itself, so that
            // whoever runs a network cannot make themselves master of a community's data.
            Role::Steward if !holders(Role::Steward, community, context).await? => {
                let query = ListQuery {
                    filter: MembershipFilter { community: Some(community), ..MembershipFilter::default() },
                    page: PageArgs::first(MAX_PAGE),
                    ..ListQuery::default()
                };
                let memberships = context.repositories.memberships().list(&Scope::Everything, &query).await?.items;
                let day = context.now.date_naive();
                let networks = memberships.iter().filter(|(_, membership)| membership.is_current(day));
                Ok(networks.fold(Needs::steward(community), |needs, (_, membership)| {
                    needs.or(Needs::coordinator(membership.network))
                }))
            }
            _ => Ok(Needs::steward(community)),
        }
    }
}

/// Whether anybody holds the role in the community.
async fn holders(role: Role, community: CommunityId, context: &Context<'_>) -> Result<bool> {
    let query = ListQuery {
        filter: GrantFilter { community: Some(community), roles: Some(vec![role]), ..GrantFilter::default() },
        page: PageArgs::first(MAX_PAGE),
        ..ListQuery::default()
    };
    let grants = context.repositories.grants().list(&Scope::Everything, &query).await?.items;
    Ok(grants.iter().filter_map(|(_, grant)| grant.held()).any(|held| held.is_in_force(context.now)))
}

#[async_trait]
impl Governed for ApiToken {
    const TO_WRITE: &'static str = "give or take back tokens for these communities";

    /// Whoever answers for any of its communities.
    async fn places(&self, _: Option<ApiTokenId>, _: &Context<'_>) -> Result<Vec<Concerned>> {
        Ok(self.communities.iter().map(|&community| (Some(community), None)).collect())
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("communities", json!(self.communities)),
            ("indicators", json!(self.indicators)),
            ("actions", json!(self.actions)),
            ("expiresAt", json!(self.expires_at)),
        ]
    }

    fn action(done: Action) -> Action {
        match done {
            Action::Create | Action::Restore => Action::TokenCreate,
            Action::Archive => Action::TokenRevoke,
            other => other,
        }
    }

    async fn needs(&self, _: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let needs = |community: &CommunityId| Needs::administrator().or(Needs::steward(*community));
        Ok(self.communities.iter().map(needs).collect())
    }

    fn topics(&self, _: ApiTokenId) -> BTreeSet<Topic> {
        BTreeSet::new()
    }

    async fn admit(self, before: Option<&crate::record::Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        if self.expires_at.is_some_and(|end| end <= context.now) && before.is_none() {
            return Err(Error::invalid("expiresAt", ProblemCode::OutOfRange, "it has passed already"));
        }
        Ok(self)
    }
}
