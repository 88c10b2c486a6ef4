//! Rules that need to look at other records: what each kind of record that can be written says of them, and the rules of places,
//! of what is done there and by whom, and of what is learned.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::Context;
use crate::{
    access::{Needs, Role},
    audit::Action,
    community::Community,
    error::{Error, Problem, ProblemCode, Result},
    event::Topic,
    id::{CommunityId, NetworkId},
    initiative::Initiative,
    learning::{Learning, LearningStatus},
    network::Network,
    participation::Participation,
    partner::Partner,
    record::{Noun, Stored},
};

/// A community and a network that something concerns.
pub type Concerned = (Option<CommunityId>, Option<NetworkId>);

/// What is done to a record.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a, N: Noun> {
    /// It is created.
    Create,
    /// It takes the place of this one.
    Update(&'a Stored<N>),
    /// It is archived.
    Archive(&'a Stored<N>),
    /// It comes back. Whoever could only give it up must not be able to take it again.
    Restore(&'a Stored<N>),
}

/// A kind of record that can be written, with the rules that need to look at other records.
#[async_trait]
pub trait Governed: Noun {
    /// Completes “sign in to …”.
    const TO_WRITE: &'static str;

    /// What the change asks of whoever makes it; all of them must be met. What the content refers to exists for the actor.
    async fn needs(&self, change: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>>;

    /// Looks up together what [`Governed::needs`] of each of these records would look up by itself.
    async fn look_up(_records: &[&Stored<Self>], _context: &mut Context<'_>) -> Result<()> {
        Ok(())
    }

    /// The community and the network that it concerns: who answers for them reads of it in the audit log.
    fn concerns(&self) -> Concerned {
        (None, None)
    }

    /// The same for every place that it concerns, where its id or another record says which; at least one.
    async fn places(&self, id: Option<Self::Id>, context: &Context<'_>) -> Result<Vec<Concerned>> {
        let _ = (id, context);
        Ok(vec![self.concerns()])
    }

    /// The fields whose changes the audit log keeps, with what they say. Never a secret.
    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// What the audit log calls it when this is done to a record of this kind.
    fn action(done: Action) -> Action {
        done
    }

    /// Whatever computed figures depend on this record.
    fn topics(&self, id: Self::Id) -> BTreeSet<Topic>;

    /// The content as it may be kept, in place of `before` if it is a change. What it refers to exists.
    async fn admit(self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        let _ = (before, context);
        Ok(self)
    }
}

fn no_topics() -> BTreeSet<Topic> {
    BTreeSet::new()
}

#[async_trait]
impl Governed for Network {
    const TO_WRITE: &'static str = "change networks";

    async fn places(&self, id: Option<NetworkId>, _: &Context<'_>) -> Result<Vec<Concerned>> {
        Ok(vec![(None, id)])
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![("suppression", json!(self.suppression))]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![match change {
            Change::Create => Needs::to_create_networks(),
            Change::Update(before) | Change::Archive(before) | Change::Restore(before) => Needs::coordinator(before.id),
        }])
    }

    /// What it withholds of its members is withheld in the comparisons of their other networks too.
    fn topics(&self, id: NetworkId) -> BTreeSet<Topic> {
        [Topic::Communities, Topic::Network(id)].into()
    }
}

#[async_trait]
impl Governed for Community {
    const TO_WRITE: &'static str = "change communities";

    async fn places(&self, id: Option<CommunityId>, _: &Context<'_>) -> Result<Vec<Concerned>> {
        Ok(vec![(id, None)])
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![("indigenousDataAuthority", json!(self.indigenous_data_authority))]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let Change::Update(before) = change else {
            return Ok(vec![match change {
                Change::Create => Needs::to_create_communities(),
                Change::Update(of) | Change::Archive(of) | Change::Restore(of) => Needs::steward(of.id),
            }]);
        };
        let mut needs = vec![Needs::steward(before.id).or(Needs::community(before.id, &[Role::DataAuthority]))];
        // Only an authority itself gives its word away.
        if before.indigenous_data_authority.is_some()
            && self.indigenous_data_authority != before.indigenous_data_authority
        {
            needs.push(Needs::community(before.id, &[Role::DataAuthority]));
        }
        Ok(needs)
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        [Topic::Communities].into()
    }
}

#[async_trait]
impl Governed for Initiative {
    const TO_WRITE: &'static str = "change initiatives";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (Some(self.community), None)
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let before = match change {
            Change::Update(before) => Some(Needs::contributor(before.community)),
            Change::Create | Change::Archive(_) | Change::Restore(_) => None,
        };
        Ok(before.into_iter().chain([Needs::contributor(self.community)]).collect())
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        no_topics()
    }

    async fn admit(self, before: Option<&Stored<Self>>, _: &Context<'_>) -> Result<Self> {
        if let Some(before) = before
            && !before.status.may_become(self.status)
        {
            let message = format!("an initiative cannot go from {} to {}", before.status, self.status);
            return Err(Error::Conflict(Problem::new("status", ProblemCode::Conflict, message)));
        }
        Ok(self)
    }
}

#[async_trait]
impl Governed for Partner {
    const TO_WRITE: &'static str = "change partners";

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let anywhere = || Needs::anywhere(&[Role::Steward, Role::Coordinator]);
        Ok(vec![match change {
            Change::Create => Needs::to_create_partners_and_sources(),
            Change::Update(before) | Change::Archive(before) | Change::Restore(before) => {
                anywhere().or(Needs::representative(before.id))
            }
        }])
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        no_topics()
    }
}

#[async_trait]
impl Governed for Participation {
    const TO_WRITE: &'static str = "change participations";

    async fn places(&self, _: Option<Self::Id>, context: &Context<'_>) -> Result<Vec<Concerned>> {
        Ok(vec![(context.community_of_initiative(self.initiative).await?, None)])
    }

    async fn needs(&self, change: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        let of = async |participation: &Self| -> Result<Needs> {
            let community = context.community_of_initiative(participation.initiative).await?;
            let lead = community.map(Needs::contributor).unwrap_or_default();
            Ok(lead.or(Needs::representative(participation.partner)))
        };
        let mut needs = vec![of(self).await?];
        if let Change::Update(before) = change {
            needs.push(of(&before.value).await?);
        }
        Ok(needs)
    }

    async fn look_up(records: &[&Stored<Self>], context: &mut Context<'_>) -> Result<()> {
        let ids: Vec<_> = records.iter().map(|record| record.initiative).collect();
        context.know_initiatives(&ids).await
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        no_topics()
    }
}

#[async_trait]
impl Governed for Learning {
    const TO_WRITE: &'static str = "change learnings";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (Some(self.community), None)
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![("visibility", json!(self.visibility)), ("named", json!(self.named)), ("status", json!(self.status))]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let needs = |learning: &Self| match learning.status {
            LearningStatus::Draft => Needs::contributor(learning.community),
            // What others read, the community answers for.
            _ => Needs::steward(learning.community),
        };
        let before = match change {
            Change::Update(before) => Some(needs(&before.value)),
            Change::Create | Change::Archive(_) | Change::Restore(_) => None,
        };
        Ok(before.into_iter().chain([needs(self)]).collect())
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        no_topics()
    }

    async fn admit(self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        self.check_address(before, context).await?;
        let from = before.map_or(LearningStatus::Draft, |before| before.status);
        let shared_at = before.and_then(|before| before.shared_at).or(self.shared_at);
        self.succeeding(from, shared_at, context.now).map_err(Error::Conflict)
    }
}

impl Learning {
    /// An address is taken if another learning that its writer may read has it: whether there is one that they may not read, nobody
    /// learns by trying. So two can have one address, as long as no writer sees both; whoever reaches more readers looks again.
    async fn check_address(&self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<()> {
        let reach = |of: &Self| (of.slug.clone(), of.status, of.visibility, of.named.clone());
        if before.is_some_and(|before| reach(&before.value) == reach(self)) {
            return Ok(());
        }
        let scope = context.actor.scope(context.now);
        let found = context.repositories.learnings().by_keys(&scope, std::slice::from_ref(&self.slug)).await?;
        if found.iter().any(|found| Some(found.id) != before.map(|before| before.id)) {
            return Err(Error::Conflict(Problem::new("slug", ProblemCode::Taken, "another record already has it")));
        }
        Ok(())
    }
}
