//! The rules of memberships: who takes a community into a network, and who says what its data may be used for there.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Change, Context, Governed};
use crate::{
    access::{Needs, Scope},
    error::{Error, Problem, ProblemCode, Result},
    event::Topic,
    id::{CommunityId, NetworkId},
    membership::{Membership, MembershipFilter},
    page::{ListQuery, MAX_PAGE, PageArgs},
    record::Stored,
};

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
            // A consent is given by the community and by nobody in its place; what comes back without anybody of it has none.
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

    /// A community is in a network at most once at a time. A consent from before it was taken out is no consent to its return,
    /// unless whoever brings it back could give one.
    async fn admit(mut self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        if before.is_some_and(|before| before.meta.archived_at.is_some())
            && !Needs::steward(self.community).met_by(context.actor, context.now)
        {
            self.consent = None;
        }
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
