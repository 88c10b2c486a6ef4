//! Signing in and out in the schema, and who the reader is.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    access::{Held, Needs, Place, Who},
    error::Result,
    service::identity::{HandedOut, SignedIn},
};

use super::{
    account::Account,
    context::ContextExt as _,
    error::{IntoGraphql as _, UserError, user_errors},
    grant::Role,
    id,
    invitation::Invitation,
    record::by_id,
    scalars::DateTime,
};

/// Who the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ViewerKind {
    /// Nobody in particular.
    Anonymous,
    /// Whoever runs the installation.
    Operator,
    /// Somebody who has signed in.
    Person,
    /// A program with an API token.
    Integration,
}

/// A role that the reader holds.
#[derive(Debug, Clone, SimpleObject)]
pub struct ViewerGrant {
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

impl From<&Held> for ViewerGrant {
    fn from(held: &Held) -> Self {
        let (mut network_id, mut community_id, mut partner_id) = (None, None, None);
        match held.at {
            Place::Everywhere => {}
            Place::Network(place) => network_id = Some(id::encode(place)),
            Place::Community(place) => community_id = Some(id::encode(place)),
            Place::Partner(place) => partner_id = Some(id::encode(place)),
        }
        let expires_at = held.until.map(Into::into);
        Self { role: held.role.into(), network_id, community_id, partner_id, expires_at }
    }
}

/// The most roles of the reader that are told.
pub const MOST_GRANTS: usize = 1_000;
/// The most invitations of the reader that are told.
pub const MOST_INVITATIONS: usize = 100;

/// Who the reader is, and what they are trusted with.
pub struct Viewer;

/// Who the reader is, and what they are trusted with.
#[Object]
impl Viewer {
    /// What kind of reader.
    async fn kind(&self, ctx: &Context<'_>) -> ViewerKind {
        match ctx.actor().who {
            Who::Anonymous => ViewerKind::Anonymous,
            Who::Operator(_) => ViewerKind::Operator,
            Who::Person(_) => ViewerKind::Person,
            Who::Integration(_) => ViewerKind::Integration,
        }
    }

    /// Their account, if they have signed in.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        match ctx.actor().account() {
            Some(account) => by_id(ctx, account).await,
            None => Ok(None),
        }
    }

    /// Whether they may make networks.
    async fn can_create_networks(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::to_create_networks())
    }

    /// Whether they may make communities.
    async fn can_create_communities(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::to_create_communities())
    }

    /// Whether they may make indicators.
    async fn can_create_indicators(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::to_create_indicators())
    }

    /// Whether they may name partners.
    async fn can_create_partners(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::to_create_partners_and_sources())
    }

    /// Whether they may name sources.
    async fn can_create_sources(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::to_create_partners_and_sources())
    }

    /// Whether they may add mappings.
    async fn can_create_mappings(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::to_create_partners_and_sources())
    }

    /// Whether they may upload files with figures to import.
    async fn can_import(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may(ctx.actor(), &Needs::recording())
    }

    /// The roles that they hold at this moment, the first 1000 of them.
    async fn grants(&self, ctx: &Context<'_>) -> Vec<ViewerGrant> {
        let now = ctx.services().clock().now();
        let held = ctx.actor().grants().iter().filter(|held| held.is_in_force(now));
        held.take(MOST_GRANTS).map(Into::into).collect()
    }

    /// The invitations that they made and that can still be accepted, the newest first, 100 of them at most.
    async fn invitations(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Invitation>> {
        if matches!(ctx.actor().who, Who::Anonymous) {
            return Ok(Vec::new());
        }
        let open = ctx.identity()?.invitations(ctx.actor()).await.into_graphql()?;
        Ok(open.into_iter().take(MOST_INVITATIONS).map(Into::into).collect())
    }
}

/// What signing in answers.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// Says who you are, in the header `Authorization: Bearer …`, for ten minutes. Nothing if it was refused.
    pub access_token: Option<String>,
    /// When it ends.
    pub access_token_expires_at: Option<DateTime>,
    /// Gets the next pair, once. Keep it where no script of another site can read it.
    pub refresh_token: Option<String>,
    /// Your account.
    pub account: Option<Account>,
    /// Why it was refused; empty if it was not.
    pub user_errors: Vec<UserError>,
}

impl SignInPayload {
    pub(super) fn of(result: Result<SignedIn>) -> async_graphql::Result<Self> {
        Ok(match result {
            Ok(SignedIn { access, refresh, account }) => Self {
                access_token: Some(access.text),
                access_token_expires_at: Some(access.expires_at.into()),
                refresh_token: Some(refresh),
                account: Some(Arc::new(account).into()),
                user_errors: Vec::new(),
            },
            Err(error) => Self {
                access_token: None,
                access_token_expires_at: None,
                refresh_token: None,
                account: None,
                user_errors: user_errors(error, "input")?,
            },
        })
    }
}

/// What making a link answers.
#[derive(SimpleObject)]
pub struct LinkPayload {
    /// What the link must carry. It is answered this once and kept nowhere: hand it over yourself.
    pub secret: Option<String>,
    /// When it ends.
    pub expires_at: Option<DateTime>,
    /// Why it was refused; empty if it was not.
    pub user_errors: Vec<UserError>,
}

impl LinkPayload {
    pub(super) fn of(result: Result<HandedOut>) -> async_graphql::Result<Self> {
        Ok(match result {
            Ok(HandedOut { secret, expires_at }) => {
                Self { secret: Some(secret), expires_at: Some(expires_at.into()), user_errors: Vec::new() }
            }
            Err(error) => Self { secret: None, expires_at: None, user_errors: user_errors(error, "input")? },
        })
    }
}

/// What signing out and changing a password answer.
#[derive(SimpleObject)]
pub struct DonePayload {
    /// Whether it was done.
    pub done: bool,
    /// Why it was refused; empty if it was not.
    pub user_errors: Vec<UserError>,
}

impl DonePayload {
    pub(super) fn of<T>(result: Result<T>) -> async_graphql::Result<Self> {
        Ok(match result {
            Ok(_) => Self { done: true, user_errors: Vec::new() },
            Err(error) => Self { done: false, user_errors: user_errors(error, "input")? },
        })
    }
}

/// How to sign in.
#[derive(InputObject)]
pub struct SignInInput {
    /// The address of the account.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// A refresh token to exchange.
#[derive(InputObject)]
pub struct SessionRefreshInput {
    /// The refresh token; it is good once.
    pub refresh_token: String,
}

/// A password to change.
#[derive(InputObject)]
pub struct PasswordChangeInput {
    /// The present one.
    pub current_password: String,
    /// The new one: 12 to 256 characters.
    pub new_password: String,
}

/// Whose way back to make.
#[derive(Debug, Clone, InputObject)]
pub struct RecoveryCreateInput {
    /// The account.
    pub account: ID,
}

/// A way back to use.
#[derive(InputObject)]
pub struct RecoveryUseInput {
    /// What the link carried.
    pub link: String,
    /// The new password: 12 to 256 characters.
    pub password: String,
}

/// Signing in and out.
#[derive(Default)]
pub struct IdentityMutation;

/// Signing in and out.
#[Object]
impl IdentityMutation {
    /// Signs in by address and password. An unknown address is refused like a wrong password.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignInInput,
    ) -> async_graphql::Result<SignInPayload> {
        let identity = ctx.identity()?;
        SignInPayload::of(identity.sign_in(&ctx.actor().origin, &input.email, input.password).await)
    }

    /// Exchanges a refresh token for the next pair. Used twice, it ends the session, but for a few seconds' grace.
    async fn session_refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: SessionRefreshInput,
    ) -> async_graphql::Result<SignInPayload> {
        SignInPayload::of(ctx.identity()?.refresh(&ctx.actor().origin, &input.refresh_token).await)
    }

    /// Signs out of this session, or everywhere.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whether every session ends.", default)] everywhere: bool,
    ) -> async_graphql::Result<DonePayload> {
        DonePayload::of(ctx.identity()?.sign_out(ctx.actor(), everywhere).await)
    }

    /// Changes your password; every other session ends.
    async fn password_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The passwords.")] input: PasswordChangeInput,
    ) -> async_graphql::Result<DonePayload> {
        let changed = ctx.identity()?.change_password(ctx.actor(), input.current_password, input.new_password).await;
        DonePayload::of(changed)
    }

    /// Makes a link, good once and for an hour, by which somebody else sets a new password. For administrators, and
    /// for those who may give every role that the account holds: who runs its network, who answers for its community.
    async fn recovery_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: RecoveryCreateInput,
    ) -> async_graphql::Result<LinkPayload> {
        let identity = ctx.identity()?;
        let result = match id::parse(&input.account, "account") {
            Ok(account) => identity.offer_recovery(ctx.actor(), account).await,
            Err(error) => Err(error),
        };
        LinkPayload::of(result)
    }

    /// Sets a new password by a link; every session ends.
    async fn recovery_use(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link.")] input: RecoveryUseInput,
    ) -> async_graphql::Result<SignInPayload> {
        SignInPayload::of(ctx.identity()?.recover(&ctx.actor().origin, &input.link, input.password).await)
    }
}
