//! Roles and grants in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::{access, error::Result, grant as noun, record::Stored};

use super::{
    account::Account,
    community::Community,
    id,
    network::Network,
    order::order,
    partner::Partner,
    record::{ArchiveInput, RecordFields, archive, by_id, by_id_opt, create, may_change, payload, shows},
    scalars::DateTime,
};

/// What somebody is trusted with, at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "access::Role")]
pub enum Role {
    /// Reads what is shared within a network, or within a community and the networks that it is in.
    MemberReader,
    /// Writes drafts for a community: learnings, initiatives, and figures that its steward publishes.
    Contributor,
    /// Answers for a community's data: figures, targets, visibility, consent.
    Steward,
    /// Speaks for a partner: its own record and participations.
    PartnerRepresentative,
    /// Reviews learnings of others in a network.
    Reviewer,
    /// Runs a network: its indicators, members and comparisons. Edits no community's data and reads nothing private.
    Coordinator,
    /// Speaks for the Indigenous data authority of a community: approves or vetoes what leaves it.
    DataAuthority,
    /// Reads totals of a network and what is explicitly shared.
    Funder,
    /// Manages accounts and reads the audit log; no content by that alone.
    Administrator,
}

/// A role that an account holds at a place. It never changes: it is taken back, and another given.
#[derive(Clone)]
pub struct Grant(Arc<Stored<noun::Grant>>);

shows!(Grant, noun::Grant);

/// A role that an account holds at a place. It never changes: it is taken back, and another given.
#[Object]
impl Grant {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times: when it was given and, archived, when it was taken back.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whether you may take it back or give it up; whether you may give it again, once it was taken back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
    }

    /// By whom it was given: `account:` and a UUID, or the operator's name.
    async fn given_by(&self) -> &str {
        &self.0.meta.created_by
    }

    /// Whose.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        by_id(ctx, self.0.account).await
    }

    /// What they are trusted with.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// In this network.
    async fn network(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Network>> {
        by_id_opt(ctx, self.0.network).await
    }

    /// In this community.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Community>> {
        by_id_opt(ctx, self.0.community).await
    }

    /// For this partner.
    async fn partner(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Partner>> {
        by_id_opt(ctx, self.0.partner).await
    }

    /// The moment it ends, if it does.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }
}

order! { "grants", GrantOrder, GrantOrderField, noun::GrantSort,
    /// When they were given.
    CreatedAt,
    /// When they end; those that do not end come before all others.
    ExpiresAt,
}

/// What grants are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct GrantFilter {
    /// Of this account.
    pub account: Option<ID>,
    /// In this network.
    pub network: Option<ID>,
    /// In this community.
    pub community: Option<ID>,
    /// For this partner.
    pub partner: Option<ID>,
    /// One of these roles.
    pub roles: Option<Vec<Role>>,
    /// Whether those taken back are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl GrantFilter {
    /// The filter, and whether those taken back are asked for.
    pub fn read(self) -> Result<(noun::GrantFilter, bool)> {
        let filter = noun::GrantFilter {
            account: id::parse_opt(self.account.as_ref(), "filter.account")?,
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            partner: id::parse_opt(self.partner.as_ref(), "filter.partner")?,
            roles: self.roles.map(|roles| roles.into_iter().map(Into::into).collect()),
        };
        Ok((filter, self.include_archived))
    }
}

/// A role to give, at one place: a network, a community or a partner; ADMINISTRATOR is held everywhere.
#[derive(Debug, Clone, InputObject)]
pub struct GrantCreateInput {
    /// To whom.
    pub account: ID,
    /// What they are trusted with.
    pub role: Role,
    /// In this network.
    pub network: Option<ID>,
    /// In this community.
    pub community: Option<ID>,
    /// For this partner.
    pub partner: Option<ID>,
    /// The moment it ends, if it does.
    pub expires_at: Option<DateTime>,
}

impl GrantCreateInput {
    fn read(self) -> Result<noun::Grant> {
        Ok(noun::Grant {
            account: id::parse(&self.account, "account")?,
            role: self.role.into(),
            network: id::parse_opt(self.network.as_ref(), "network")?,
            community: id::parse_opt(self.community.as_ref(), "community")?,
            partner: id::parse_opt(self.partner.as_ref(), "partner")?,
            expires_at: self.expires_at.map(|time| time.get("expiresAt")).transpose()?,
        })
    }
}

payload! {
    /// What a change of a grant answers.
    GrantPayload { grant: Grant }
}

/// Changes of grants.
#[derive(Default)]
pub struct GrantMutation;

/// Changes of grants.
#[Object]
impl GrantMutation {
    /// Gives a role. For administrators and those who answer for the place. The first steward of a community may be named by whoever
    /// runs the network that took it in first, if no Indigenous data authority speaks for it. Who speaks for such an authority is
    /// named by an administrator once, and from then on by the authority itself.
    async fn grant_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to give.")] input: GrantCreateInput,
    ) -> async_graphql::Result<GrantPayload> {
        GrantPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Takes a role back at once, or gives it again, which asks for what giving it would. Everybody may give up a role of their own.
    async fn grant_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<GrantPayload> {
        GrantPayload::of(archive::<noun::Grant>(ctx, input).await, "input")
    }
}
