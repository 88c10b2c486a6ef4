//! The rules of records that say who is trusted with what: sharing rules, decisions, accounts and tokens.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Change, Context, Governed, governed::Concerned, grant::to_stand_in_for};
use crate::{
    access::{Need, Needs, Role, Scope},
    account::Account,
    api_token::ApiToken,
    audit::Action,
    decision::AuthorityDecision,
    error::{Error, Problem, ProblemCode, Result},
    event::Topic,
    id::{AccountId, ApiTokenId, AuthorityDecisionId, CommunityId, NetworkId, SharingRuleId},
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
            Change::Create | Change::Archive(_) | Change::Restore(_) => None,
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

    async fn needs(&self, change: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        let mut needs = vec![Needs::administrator()];
        if let Change::Update(before) = change {
            if before.email == self.email {
                return Ok(vec![Needs::administrator().or_need(Need::Oneself(before.id))]);
            }
            // The address is what somebody is known by: another would be somebody else.
            needs.extend(to_stand_in_for(before.id, context).await?);
        }
        Ok(needs)
    }

    fn topics(&self, _: AccountId) -> BTreeSet<Topic> {
        BTreeSet::new()
    }
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

    /// Whoever answers for all of its communities gives it, for any of them takes it back. Administrators manage access and have no
    /// part in content: they take tokens back, and give none.
    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let stewards = self.communities.iter().map(|&community| Needs::steward(community));
        if matches!(change, Change::Archive(_)) {
            return Ok(vec![stewards.fold(Needs::administrator(), Needs::or)]);
        }
        Ok(stewards.collect())
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
