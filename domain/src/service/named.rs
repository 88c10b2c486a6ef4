//! Actors by the names under which their deeds are recorded.

use std::{collections::BTreeSet, sync::Arc};

use uuid::Uuid;

use super::Services;
use crate::{
    access::{Actor, Integration, Person, Scope, Who},
    error::Result,
    id::{AccountId, ApiTokenId},
    port::store::Repositories,
};

impl Services {
    /// Whoever has this name ([`Actor::name`]), with what they may do now; nothing if there is no such account or token any more.
    /// For what was begun by them and is gone on with in their absence.
    pub(super) async fn actor_named(&self, repositories: &dyn Repositories, name: &str) -> Result<Option<Actor>> {
        // A name that cannot be read is nobody's, never an operator's.
        let id = |prefix: &str| name.strip_prefix(prefix).map(|id| id.parse::<Uuid>().unwrap_or(Uuid::nil()));
        let who = if let Some(account) = id("account:").map(AccountId::from) {
            let principal = repositories.identities().principal(account, self.clock.now()).await?;
            principal.map(|principal| {
                let (grants, memberships) = (principal.grants, principal.memberships);
                Who::Person(Arc::new(Person { account, session: None, grants, memberships }))
            })
        } else if let Some(token) = id("token:").map(ApiTokenId::from) {
            let found = repositories.api_tokens().get(&Scope::Everything, &[token]).await?.pop();
            found.filter(|token| token.meta.archived_at.is_none()).map(|token| {
                Who::Integration(Arc::new(Integration {
                    token: token.id,
                    communities: token.communities.iter().copied().collect(),
                    indicators: token.indicators.iter().copied().collect(),
                    actions: token.actions.iter().copied().collect(),
                    until: token.expires_at,
                    // What it reads depends on these alone, and nothing is read on its behalf.
                    memberships: BTreeSet::default(),
                }))
            })
        } else if name == "anonymous" {
            None
        } else {
            Some(Who::Operator(name.into()))
        };
        Ok(who.map(Actor::new))
    }
}
