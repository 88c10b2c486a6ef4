//! Rules that need to look at other records: one implementation for each kind that can be written.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::Context;
use crate::{
    access::{Needs, Role, Scope},
    audit::Action,
    community::Community,
    error::{Error, Problem, ProblemCode, Result},
    event::Topic,
    id::{CommunityId, IndicatorId, IndicatorVersionId, NetworkId},
    indicator::{Indicator, IndicatorVersion, IndicatorVersionFilter, IndicatorVersionSort},
    initiative::Initiative,
    learning::{Learning, LearningStatus},
    membership::{Membership, MembershipFilter},
    network::Network,
    page::{Direction, ListQuery, MAX_PAGE, Order, PageArgs},
    participation::Participation,
    partner::Partner,
    record::{Noun, Stored},
    source::Source,
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
    /// It is archived or comes back.
    Archive(&'a Stored<N>),
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
            Change::Update(before) | Change::Archive(before) => Needs::coordinator(before.id),
        }])
    }

    /// What it withholds of its members is withheld in the comparisons of their other networks too.
    fn topics(&self, id: NetworkId) -> BTreeSet<Topic> {
        [Topic::Communities, Topic::Network(id)].into()
    }
}

#[async_trait]
impl Governed for Membership {
    const TO_WRITE: &'static str = "change memberships";

    fn concerns(&self) -> (Option<CommunityId>, Option<NetworkId>) {
        (Some(self.community), Some(self.network))
    }

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![("consent", json!(self.consent)), ("joinedOn", json!(self.joined_on)), ("leftOn", json!(self.left_on))]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let coordinator = || Needs::coordinator(self.network);
        let Change::Update(before) = change else {
            // A consent is given by the community and by nobody in its place.
            let consent = matches!(change, Change::Create) && self.consent.is_some();
            return Ok([coordinator()].into_iter().chain(consent.then(|| Needs::steward(self.community))).collect());
        };
        let others = Self { consent: None, ..self.clone() } != Self { consent: None, ..before.value.clone() };
        let consent = self.consent != before.consent;
        // Without any difference too, somebody must have the right.
        let nothing = (!others && !consent).then(|| coordinator().or(Needs::steward(self.community)));
        let needs = [others.then(coordinator), consent.then(|| Needs::steward(self.community)), nothing];
        Ok(needs.into_iter().flatten().collect())
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        // With a consent, what is shared within the network is seen in comparisons elsewhere too.
        [Topic::Communities, Topic::Network(self.network)].into()
    }

    /// A community is in a network at most once at a time.
    async fn admit(self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        let query = ListQuery {
            filter: MembershipFilter { network: Some(self.network), community: Some(self.community), on: None },
            page: PageArgs::first(MAX_PAGE),
            ..ListQuery::default()
        };
        let others = context.repositories.memberships().list(&Scope::Everything, &query).await?;
        let overlaps = |other: &Self| {
            other.left_on.is_none_or(|left| self.joined_on < left)
                && self.left_on.is_none_or(|left| other.joined_on < left)
        };
        let own = before.map(|before| before.id);
        if others.items.iter().any(|(_, other)| Some(other.id) != own && overlaps(&other.value)) {
            let message = "the community is already a member of the network in these days";
            return Err(Error::Conflict(Problem::new("joinedOn", ProblemCode::Overlap, message)));
        }
        Ok(self)
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
                Change::Update(of) | Change::Archive(of) => Needs::steward(of.id),
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
            Change::Create | Change::Archive(_) => None,
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
            Change::Update(before) | Change::Archive(before) => anywhere().or(Needs::representative(before.id)),
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
impl Governed for Indicator {
    const TO_WRITE: &'static str = "change indicators";

    async fn needs(&self, change: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![match change {
            Change::Create => Needs::to_create_indicators(),
            Change::Update(before) | Change::Archive(before) => indicator_needs(before.id, context).await?,
        }])
    }

    async fn look_up(records: &[&Stored<Self>], context: &mut Context<'_>) -> Result<()> {
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        context.know_adopters(&ids).await
    }

    fn topics(&self, id: Self::Id) -> BTreeSet<Topic> {
        [Topic::Indicator(id)].into()
    }

    /// What kind of measure it is cannot change once it is defined: its figures would belong to the wrong owner.
    async fn admit(self, before: Option<&Stored<Self>>, _: &Context<'_>) -> Result<Self> {
        if before.is_some_and(|before| before.kind != self.kind) {
            let message = "the kind of an indicator does not change; another kind is another indicator";
            return Err(Error::Conflict(Problem::new("kind", ProblemCode::Immutable, message)));
        }
        Ok(self)
    }
}

#[async_trait]
impl Governed for IndicatorVersion {
    const TO_WRITE: &'static str = "change indicators";

    async fn needs(&self, _: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![indicator_needs(self.indicator, context).await?])
    }

    async fn look_up(records: &[&Stored<Self>], context: &mut Context<'_>) -> Result<()> {
        let ids: Vec<_> = records.iter().map(|record| record.indicator).collect();
        context.know_adopters(&ids).await
    }

    fn topics(&self, _: IndicatorVersionId) -> BTreeSet<Topic> {
        [Topic::Indicator(self.indicator)].into()
    }

    /// A new version takes the next number. Once figures are recorded under it, it never changes (invariant 5).
    async fn admit(mut self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        let Some(before) = before else {
            self.number = next_number(self.indicator, context).await?;
            return Ok(self);
        };
        if before.value != self && context.repositories.figures().is_observed(before.id).await? {
            let message = "figures are recorded under this version, so it no longer changes: add another version";
            return Err(Error::Conflict(Problem::new("id", ProblemCode::Immutable, message)));
        }
        Ok(self)
    }
}

/// Whoever runs a network that has adopted the indicator; any network, while none has.
async fn indicator_needs(indicator: IndicatorId, context: &Context<'_>) -> Result<Needs> {
    let networks = context.adopters_of(indicator).await?;
    let needs = networks.into_iter().map(Needs::coordinator).reduce(Needs::or);
    Ok(needs.unwrap_or_else(|| Needs::anywhere(&[Role::Coordinator])))
}

async fn next_number(indicator: IndicatorId, context: &Context<'_>) -> Result<i32> {
    let query = ListQuery {
        filter: IndicatorVersionFilter { indicator: Some(indicator), ..IndicatorVersionFilter::default() },
        order: Order { by: IndicatorVersionSort::Number, direction: Direction::Descending },
        page: PageArgs::first(1),
        archived: true,
        ..ListQuery::default()
    };
    let newest = context.repositories.indicator_versions().list(&Scope::Everything, &query).await?.items.pop();
    Ok(newest.map_or(1, |(_, newest)| newest.number.saturating_add(1)))
}

#[async_trait]
impl Governed for Source {
    const TO_WRITE: &'static str = "change sources";

    fn sensitive(&self) -> Vec<(&'static str, Value)> {
        vec![("disclosureControlled", json!(self.disclosure_controlled))]
    }

    async fn needs(&self, change: Change<'_, Self>, _: &Context<'_>) -> Result<Vec<Needs>> {
        let answering = || Needs::anywhere(&[Role::Steward, Role::Coordinator]);
        let before = match change {
            // That it controls disclosure decides what everybody reads of every community that it speaks of: no community
            // decides it for another.
            Change::Create if self.disclosure_controlled => return Ok(vec![Needs::administrator()]),
            Change::Create => return Ok(vec![Needs::to_create_partners_and_sources()]),
            Change::Archive(_) => return Ok(vec![answering()]),
            Change::Update(before) => &before.value,
        };
        let others = Self { disclosure_controlled: before.disclosure_controlled, ..self.clone() } != *before;
        let controlled = self.disclosure_controlled != before.disclosure_controlled;
        let nothing = (!others && !controlled).then(|| answering().or(Needs::administrator()));
        let needs = [others.then(answering), controlled.then(Needs::administrator), nothing];
        Ok(needs.into_iter().flatten().collect())
    }

    /// Whether its small figures are seen decides what is compared.
    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        [Topic::Communities].into()
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
            Change::Create | Change::Archive(_) => None,
        };
        Ok(before.into_iter().chain([needs(self)]).collect())
    }

    fn topics(&self, _: Self::Id) -> BTreeSet<Topic> {
        no_topics()
    }

    async fn admit(self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        let from = before.map_or(LearningStatus::Draft, |before| before.status);
        let shared_at = before.and_then(|before| before.shared_at).or(self.shared_at);
        self.succeeding(from, shared_at, context.now).map_err(Error::Conflict)
    }
}
