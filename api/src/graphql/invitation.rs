//! Invitations in the schema: links by which people open accounts, or get roles.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::{
    error::Result,
    port::identity::{Link, Offered},
};

use super::{
    context::ContextExt as _,
    grant::Role,
    id,
    identity::{DonePayload, LinkPayload, SignInPayload},
    input::{each, key},
    scalars::{DateTime, LanguageTag},
};

/// An invitation that can still be accepted.
#[derive(SimpleObject)]
pub struct Invitation {
    /// Whose address it was made for.
    pub email: String,
    /// The roles that come with it.
    pub grants: Vec<OfferedGrant>,
    /// When it was made.
    pub created_at: DateTime,
    /// When it ends.
    pub expires_at: DateTime,
}

impl From<Link> for Invitation {
    fn from(link: Link) -> Self {
        Self {
            email: link.email.to_string(),
            grants: link.grants.iter().map(Into::into).collect(),
            created_at: link.created_at.into(),
            expires_at: link.expires_at.into(),
        }
    }
}

/// A role that an invitation brings, at one place.
#[derive(Debug, Clone, SimpleObject)]
pub struct OfferedGrant {
    /// What they are trusted with.
    pub role: Role,
    /// In this network.
    pub network_id: Option<ID>,
    /// In this community.
    pub community_id: Option<ID>,
    /// For this partner.
    pub partner_id: Option<ID>,
    /// The moment it ends, if it does.
    pub expires_at: Option<DateTime>,
}

impl From<&Offered> for OfferedGrant {
    fn from(offered: &Offered) -> Self {
        Self {
            role: offered.role.into(),
            network_id: offered.network.map(id::encode),
            community_id: offered.community.map(id::encode),
            partner_id: offered.partner.map(id::encode),
            expires_at: offered.expires_at.map(Into::into),
        }
    }
}

/// A role that an invitation brings, at one place.
#[derive(Debug, Clone, InputObject)]
pub struct OfferedGrantInput {
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

impl OfferedGrantInput {
    fn get(self, path: &str) -> Result<Offered> {
        let at = |field: &str| format!("{path}.{field}");
        let place = |given: Option<ID>, field: &str| given.map(|given| (given, at(field)));
        Ok(Offered {
            role: self.role.into(),
            network: place(self.network, "network").map(|(given, path)| id::parse(&given, path)).transpose()?,
            community: place(self.community, "community").map(|(given, path)| id::parse(&given, path)).transpose()?,
            partner: place(self.partner, "partner").map(|(given, path)| id::parse(&given, path)).transpose()?,
            expires_at: self.expires_at.map(|time| time.get(at("expiresAt"))).transpose()?,
        })
    }
}

/// Whom to invite.
#[derive(Debug, Clone, InputObject)]
pub struct InvitationCreateInput {
    /// Their address.
    pub email: String,
    /// The roles that come with it: each one that you may give.
    pub grants: Vec<OfferedGrantInput>,
}

/// An invitation to accept.
#[derive(InputObject)]
pub struct InvitationAcceptInput {
    /// What the link carried.
    pub link: String,
    /// What you are called; kept as it is for those who have an account.
    pub name: String,
    /// The language that you prefer.
    pub locale: LanguageTag,
    /// A password of 12 to 256 characters; for those who have an account, its password.
    pub password: String,
}

/// Whose invitations to withdraw.
#[derive(Debug, Clone, InputObject)]
pub struct InvitationWithdrawInput {
    /// The address that they were made for.
    pub email: String,
}

/// Invitations.
#[derive(Default)]
pub struct InvitationMutation;

/// Invitations.
#[Object]
impl InvitationMutation {
    /// Makes a link, good once and for a week, by which somebody opens an account with these roles.
    async fn invitation_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: InvitationCreateInput,
    ) -> async_graphql::Result<LinkPayload> {
        let identity = ctx.identity()?;
        let read = || Ok((key(&input.email, "email")?, each(input.grants, "grants", OfferedGrantInput::get)?));
        let result = match read() {
            Ok((email, grants)) => identity.invite(ctx.actor(), email, grants).await,
            Err(error) => Err(error),
        };
        LinkPayload::of(result)
    }

    /// Opens the account that a link invites to, or adds its roles to the one you have.
    async fn invitation_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: InvitationAcceptInput,
    ) -> async_graphql::Result<SignInPayload> {
        let identity = ctx.identity()?;
        let result = match input.locale.get("locale") {
            Ok(locale) => identity.accept(&ctx.actor().origin, &input.link, input.name, locale, input.password).await,
            Err(error) => Err(error),
        };
        SignInPayload::of(result)
    }

    /// Withdraws the invitations of somebody that can still be accepted: those that you made, and those whose every role you may give.
    async fn invitation_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: InvitationWithdrawInput,
    ) -> async_graphql::Result<DonePayload> {
        let identity = ctx.identity()?;
        let result = match key(&input.email, "email") {
            Ok(email) => identity.withdraw_invitations(ctx.actor(), &email).await,
            Err(error) => Err(error),
        };
        DonePayload::of(result)
    }
}
