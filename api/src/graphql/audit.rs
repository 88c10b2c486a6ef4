//! The audit log in the schema.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{audit as noun, error::Result, page::Direction};

use super::{
    community::Community,
    connection::{Connection, Listed, Paging},
    context::ContextExt as _,
    error::IntoGraphql as _,
    id,
    network::Network,
    node::{Node, node},
    order::order,
    record::by_id_opt,
    scalars::DateTime,
};

/// What was done, or tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Action")]
pub enum AuditAction {
    /// A record was created.
    Create,
    /// A record was changed.
    Update,
    /// A record was archived.
    Archive,
    /// An archived record was brought back.
    Restore,
    /// A role was given.
    Grant,
    /// A role was taken away.
    Revoke,
    /// Somebody signed in.
    SignIn,
    /// Somebody tried to sign in and could not.
    SignInFailed,
    /// Somebody signed out, here or everywhere.
    SignOut,
    /// A refresh token was used twice: its family was revoked.
    TokenRefreshReused,
    /// A password was changed.
    PasswordChange,
    /// Somebody was invited.
    Invite,
    /// An invitation was accepted.
    InvitationAccepted,
    /// A way back into an account was handed out or used.
    Recovery,
    /// A token of an integration was made.
    TokenCreate,
    /// A token of an integration was revoked.
    TokenRevoke,
    /// A key that access tokens are signed with was added.
    KeyRotate,
    /// A key that access tokens were signed with is believed no more.
    KeyRetire,
    /// Something was tried and not allowed.
    Denied,
    /// Records were taken out of the system.
    Export,
    /// Data under an Indigenous data authority was read.
    ReadUnderAuthority,
    /// Records were read in from files.
    Import,
    /// Figures were recorded.
    RecordFigures,
    /// Figures were sent in, and wait until a steward publishes them.
    SubmitFigures,
    /// Figures that waited were validated, published or declined.
    ReviewFigures,
    /// A data authority or coordinator decided.
    Decide,
}

/// What kind of actor it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::ActorKind")]
pub enum AuditActorKind {
    /// Nobody in particular.
    Anonymous,
    /// Whoever runs the service: the command line, or the holder of the administrator's token.
    Operator,
    /// A person with an account.
    Person,
    /// A program with a token of its own.
    Integration,
}

/// A sensitive field before and after. Secrets are never among them.
#[derive(Debug, Clone, SimpleObject)]
pub struct AuditChange {
    /// The field.
    pub field: String,
    /// What it was, as JSON; `null` where it was not there.
    pub before: String,
    /// What it became, as JSON; `null` where it is no longer there.
    pub after: String,
}

/// An entry of the audit log: what was done, by whom, to what. Entries never change and are never removed.
pub struct AuditEntry(noun::Entry);

impl Listed for AuditEntry {
    const NAME: &'static str = "AuditEntry";
}

/// An entry of the audit log: what was done, by whom, to what. Entries never change and are never removed.
#[Object]
impl AuditEntry {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode_entry(self.0.place)
    }

    /// Its place in the log, a whole number: later entries have larger ones, and some numbers are never used.
    async fn place(&self) -> String {
        self.0.place.to_string()
    }

    /// When it happened.
    async fn at(&self) -> DateTime {
        self.0.said.at.into()
    }

    /// Who did it, by the name they had then.
    async fn actor(&self) -> &str {
        &self.0.said.actor
    }

    /// What kind of actor that was.
    async fn actor_kind(&self) -> AuditActorKind {
        self.0.said.actor_kind.into()
    }

    /// What was done, or tried.
    async fn action(&self) -> AuditAction {
        self.0.said.action.into()
    }

    /// The global id of what it was done to, whether that can still be read or not.
    async fn object_id(&self) -> Option<ID> {
        self.0.said.object.map(|object| id::encode_ref(object.kind, object.id))
    }

    /// What it was done to; nothing if the reader may not see that.
    async fn object(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Node>> {
        match self.0.said.object {
            // Boxed, for a node may be an entry again.
            Some(object) => Box::pin(node(ctx, &id::encode_ref(object.kind, object.id))).await,
            None => Ok(None),
        }
    }

    /// The community that it concerns.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Community>> {
        by_id_opt(ctx, self.0.said.community).await
    }

    /// The network that it concerns.
    async fn network(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Network>> {
        by_id_opt(ctx, self.0.said.network).await
    }

    /// The sensitive fields that changed, by name.
    async fn changes(&self) -> Vec<AuditChange> {
        let changes = self.0.said.changes.iter();
        changes
            .map(|(field, change)| AuditChange {
                field: field.clone(),
                before: change.before.to_string(),
                after: change.after.to_string(),
            })
            .collect()
    }

    /// The id of the request that it came with, as the log of the server has it.
    async fn request_id(&self) -> Option<&str> {
        self.0.said.request_id.as_deref()
    }

    /// The address that the request came from.
    async fn address(&self) -> Option<&str> {
        self.0.said.address.as_deref()
    }

    /// Whatever else was noted.
    async fn detail(&self) -> Option<&str> {
        self.0.said.detail.as_deref()
    }
}

/// Which entries of the audit log.
#[derive(Debug, Clone, Default, InputObject)]
pub struct AuditEntryFilter {
    /// By this actor, by exactly the name in the entry.
    pub actor: Option<String>,
    /// One of these was done.
    pub action: Option<Vec<AuditAction>>,
    /// It was done to this record.
    pub object: Option<ID>,
    /// It concerns this community.
    pub community: Option<ID>,
    /// It concerns this network.
    pub network: Option<ID>,
    /// It happened at this moment or later.
    pub from: Option<DateTime>,
    /// It happened before this moment.
    pub until: Option<DateTime>,
}

impl AuditEntryFilter {
    fn read(self) -> Result<noun::AuditFilter> {
        Ok(noun::AuditFilter {
            actor: self.actor,
            actions: self.action.map(|actions| actions.into_iter().map(Into::into).collect()),
            object: self.object.as_ref().map(|object| id::parse_ref(object, "filter.object")).transpose()?,
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            from: self.from.map(|from| from.get("filter.from")).transpose()?,
            until: self.until.map(|until| until.get("filter.until")).transpose()?,
        })
    }
}

order! { "entries of the audit log", AuditEntryOrder, AuditEntryOrderField, noun::AuditSort,
    /// Their place: as they were recorded.
    Place,
}

/// A part of the audit log; newest first unless told otherwise.
pub async fn entries(
    ctx: &Context<'_>,
    paging: Paging,
    filter: Option<AuditEntryFilter>,
    order: Option<AuditEntryOrder>,
) -> async_graphql::Result<Connection<AuditEntry>> {
    let newest_first = domain::page::Order { by: noun::AuditSort::Place, direction: Direction::Descending };
    let order = order.map_or(newest_first, Into::into);
    let filter = filter.unwrap_or_default().read().into_graphql()?;
    let query = paging.query(ctx, filter, order, false).into_graphql()?;
    let page = ctx.services().audit_entries(ctx.actor(), &query).await.into_graphql()?;
    Ok(page.map(AuditEntry).into())
}

/// The entry at this place; nothing if the reader may not see it.
pub async fn entry(ctx: &Context<'_>, place: i64) -> async_graphql::Result<Option<AuditEntry>> {
    Ok(ctx.services().audit_entry(ctx.actor(), place).await.into_graphql()?.map(AuditEntry))
}
