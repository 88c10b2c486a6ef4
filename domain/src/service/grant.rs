//! The rules of grants: who gives a role, who takes it back, and who names the first that answers for a community.
//!
//! Whoever is named first could make themselves master of what a community keeps to itself, so the ways of being named first are few
//! and close for good: what counts is that somebody ever held the role, not that somebody holds it now. Otherwise whoever may take a
//! role back could empty a place and take it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Change, Context, Governed};
use crate::{
    access::{Need, Needs, Place, Role, Scope},
    audit::Action,
    error::{Error, Problem, ProblemCode, Result},
    event::Topic,
    grant::{Grant, GrantFilter},
    id::{AccountId, CommunityId, GrantId, NetworkId},
    membership::{MembershipFilter, MembershipSort},
    page::{ListQuery, MAX_PAGE, Order, PageArgs},
    record::Stored,
};

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

    /// Everybody may give up a role of their own. To have it back they need what anybody needs to whom it is given.
    async fn needs(&self, change: Change<'_, Self>, context: &Context<'_>) -> Result<Vec<Needs>> {
        Ok(vec![match change {
            Change::Archive(before) => self.in_charge().or_need(Need::Oneself(before.account)),
            Change::Create => self.in_charge().or(self.for_the_first(context).await?),
            // That there was a first is what the record itself says.
            Change::Restore(_) | Change::Update(_) => self.in_charge(),
        }])
    }

    fn topics(&self, _: GrantId) -> BTreeSet<Topic> {
        BTreeSet::new()
    }

    async fn admit(self, before: Option<&Stored<Self>>, context: &Context<'_>) -> Result<Self> {
        if before.is_some_and(|before| before.value != self) {
            let message = "a grant does not change: take it back and give another";
            return Err(Error::Conflict(Problem::new("id", ProblemCode::Immutable, message)));
        }
        if self.expires_at.is_some_and(|end| end <= context.now) {
            return Err(Error::invalid("expiresAt", ProblemCode::OutOfRange, "it has passed already"));
        }
        Ok(self)
    }
}

impl Grant {
    /// Who gives this role and takes it back, whoever holds it: administrators, and those who answer for the place. Who speaks for
    /// an Indigenous data authority is for that authority alone: an administrator could otherwise take its place.
    fn in_charge(&self) -> Needs {
        match self.place() {
            Some(Place::Community(community)) if self.role == Role::DataAuthority => {
                Needs::community(community, &[Role::DataAuthority])
            }
            Some(Place::Community(community)) => Needs::administrator().or(Needs::steward(community)),
            Some(Place::Network(network)) => Needs::administrator().or(Needs::coordinator(network)),
            Some(Place::Partner(partner)) => Needs::administrator().or(Needs::representative(partner)),
            Some(Place::Everywhere) | None => Needs::administrator(),
        }
    }

    /// Who besides them may give it as long as nobody has ever held it.
    async fn for_the_first(&self, context: &Context<'_>) -> Result<Needs> {
        match (self.role, self.community) {
            (Role::DataAuthority, Some(community)) if !ever_held(&[self.role], community, context).await? => {
                Ok(Needs::administrator())
            }
            (Role::Steward, Some(community)) => for_the_first_steward(community, context).await,
            _ => Ok(Needs::operator()),
        }
    }
}

/// Who besides administrators names the first steward of a community: whoever runs the network that took it in before any other,
/// while it is a member there.
///
/// Anybody who runs a network can take any community into it, so a second network is no claim to a community that another one looks
/// after. Nor is there one where somebody has ever answered for the community's data, or where an Indigenous data authority does.
async fn for_the_first_steward(community: CommunityId, context: &Context<'_>) -> Result<Needs> {
    if ever_held(&[Role::Steward, Role::DataAuthority], community, context).await? {
        return Ok(Needs::operator());
    }
    let found = context.repositories.communities().get(&Scope::Everything, &[community]).await?.pop();
    if found.is_none_or(|found| found.indigenous_data_authority.is_some()) {
        return Ok(Needs::operator());
    }
    let memberships = context.repositories.memberships();
    let mut query = ListQuery {
        filter: MembershipFilter { community: Some(community), ..MembershipFilter::default() },
        order: Order { by: MembershipSort::CreatedAt, ..Order::default() },
        page: PageArgs::first(1),
        // One that was archived was there before the others all the same.
        archived: true,
        ..ListQuery::default()
    };
    let Some((_, first)) = memberships.list(&Scope::Everything, &query).await?.items.pop() else {
        return Ok(Needs::operator());
    };
    query.filter.network = Some(first.network);
    query.filter.on = Some(context.now.date_naive());
    query.archived = false;
    let is_member = !memberships.list(&Scope::Everything, &query).await?.items.is_empty();
    Ok(if is_member { Needs::coordinator(first.network) } else { Needs::operator() })
}

/// Whether anybody has ever held one of these roles in the community: given and taken back, or ended, it was held.
async fn ever_held(roles: &[Role], community: CommunityId, context: &Context<'_>) -> Result<bool> {
    let query = ListQuery {
        filter: GrantFilter { community: Some(community), roles: Some(roles.to_vec()), ..GrantFilter::default() },
        page: PageArgs::first(1),
        archived: true,
        ..ListQuery::default()
    };
    Ok(!context.repositories.grants().list(&Scope::Everything, &query).await?.items.is_empty())
}

/// What it asks for to act upon an account as if it were one's own: whoever can sign in as somebody that speaks for an Indigenous
/// data authority speaks for it too.
pub(super) async fn to_stand_in_for(account: AccountId, context: &Context<'_>) -> Result<Vec<Needs>> {
    let query = ListQuery {
        filter: GrantFilter {
            account: Some(account),
            roles: Some(vec![Role::DataAuthority]),
            ..GrantFilter::default()
        },
        page: PageArgs::first(MAX_PAGE),
        ..ListQuery::default()
    };
    let page = context.repositories.grants().list(&Scope::Everything, &query).await?;
    let held = page.items.iter().filter_map(|(_, grant)| grant.held()).filter(|held| held.is_in_force(context.now));
    let mut needs: Vec<_> = held
        .filter_map(|held| match held.at {
            Place::Community(community) => Some(Needs::community(community, &[Role::DataAuthority])),
            _ => None,
        })
        .collect();
    // Nobody speaks for so many; whoever did would be left to the operator.
    needs.extend(page.has_next.then(Needs::operator));
    Ok(needs)
}
