//! What people and programs sign in with: passwords, sessions, links and tokens. Secrets are never kept, only their digests,
//! and nothing here is ever listed.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    access::{Held, Role},
    api_token::ApiToken,
    code::codes,
    error::Result,
    id::{AccountId, ApiTokenId, CommunityId, NetworkId, PartnerId, SessionId},
    key::Email,
    record::Stored,
};

/// The SHA-256 digest of a secret.
pub type Digest = [u8; 32];

/// Somebody who has signed in, as far as access depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The roles that they hold; those that have ended may be among them.
    pub grants: Vec<Held>,
    /// The networks that the communities of these roles are in on the day asked for.
    pub memberships: BTreeSet<(CommunityId, NetworkId)>,
}

/// A program's token as it is kept, with the networks that its communities are in on the day asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownToken {
    /// The token; archived ones are not known.
    pub token: Stored<ApiToken>,
    /// The networks of its communities.
    pub memberships: BTreeSet<(CommunityId, NetworkId)>,
}

/// The account that an identity of another provider belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkedAccount {
    /// Which.
    pub account: AccountId,
    /// When it signed out of what other providers had signed until then, if it did.
    pub signed_out_at: Option<DateTime<Utc>>,
}

impl LinkedAccount {
    /// Whether what the provider signed at this moment is still good. Providers say whole seconds by a clock of their own: what comes
    /// from the second of signing out is refused.
    pub fn accepts(&self, issued_at: DateTime<Utc>) -> bool {
        self.signed_out_at.is_none_or(|out| issued_at.timestamp() > out.timestamp())
    }
}

/// A session to begin: one time that somebody signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends, whatever is refreshed.
    pub expires_at: DateTime<Utc>,
    /// The address that it began from.
    pub address: Option<String>,
}

/// What became of a refresh token that somebody sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// It was good, and is spent now: this caller alone may go on.
    Now {
        /// The session.
        session: SessionId,
        /// Whose.
        account: AccountId,
    },
    /// It had been spent before.
    Before {
        /// The session.
        session: SessionId,
        /// Whose.
        account: AccountId,
        /// When it was spent.
        at: DateTime<Utc>,
    },
    /// There is no such token, or its session has ended.
    Unknown,
}

codes! {
    /// What a link is for.
    pub enum LinkKind {
        /// To open an account.
        Invitation = "INVITATION",
        /// To set a new password.
        Recovery = "RECOVERY",
    }
}

/// A role that an invitation brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The role.
    pub role: Role,
    /// In this network.
    pub network: Option<NetworkId>,
    /// In this community.
    pub community: Option<CommunityId>,
    /// For this partner.
    pub partner: Option<PartnerId>,
    /// The moment it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}

/// How many links are looked at together.
pub const MOST_LINKS: u64 = 100;
/// The most roles that come with an invitation.
pub const MOST_OFFERED: usize = 20;

/// A link that can be used once.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// What it is for.
    pub kind: LinkKind,
    /// Whose address it was made for.
    pub email: Email,
    /// The account, for a recovery.
    pub account: Option<AccountId>,
    /// The roles that come with it.
    pub grants: Vec<Offered>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// By whom, as in records.
    pub created_by: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A key that access tokens are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its identifier in tokens.
    pub kid: String,
    /// The private key, PKCS#8 PEM.
    pub pem: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Keeps what is signed in with. Within a unit of work like everything else.
#[async_trait]
pub trait Identities: Send + Sync {
    /// The hash of an account's password; nothing if it has none or is archived.
    async fn password(&self, account: AccountId) -> Result<Option<String>>;

    /// Sets it; ways back into the account that are not used by then lead nowhere any more.
    async fn set_password(&self, account: AccountId, hash: &str, at: DateTime<Utc>) -> Result<()>;

    /// The roles of an account that is not archived (grants that are not archived), with the networks, as of the day of `now`, of
    /// the communities named in them; nothing for an account that is archived or not there. One or two statements.
    async fn principal(&self, account: AccountId, now: DateTime<Utc>) -> Result<Option<Principal>>;

    /// The account that an identity of another provider belongs to, if it is not archived.
    async fn foreign(&self, issuer: &str, subject: &str) -> Result<Option<LinkedAccount>>;

    /// Ends what other providers have signed so far for an account.
    async fn end_foreign(&self, account: AccountId, at: DateTime<Utc>) -> Result<()>;

    /// Links an identity of another provider to an account.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] with `TAKEN` on `subject` if it is linked already.
    async fn link_foreign(&self, issuer: &str, subject: &str, account: AccountId, at: DateTime<Utc>) -> Result<()>;

    /// Begins a session with its first refresh token.
    async fn start_session(&self, session: &NewSession, refresh: &Digest) -> Result<()>;

    /// Whether there is such a refresh token of a session that goes on, spent or not.
    async fn has_refresh(&self, refresh: &Digest, now: DateTime<Utc>) -> Result<bool>;

    /// Spends a refresh token, so that of any number of callers at the same moment exactly one gets [`Spent::Now`].
    async fn spend(&self, refresh: &Digest, now: DateTime<Utc>) -> Result<Spent>;

    /// Gives a session its next refresh token.
    async fn succeed(&self, session: SessionId, refresh: &Digest, at: DateTime<Utc>) -> Result<()>;

    /// Whether a session has neither ended nor expired, and its account is not archived.
    async fn is_open(&self, session: SessionId, now: DateTime<Utc>) -> Result<bool>;

    /// Ends a session. Ending it twice changes nothing.
    async fn end_session(&self, session: SessionId, at: DateTime<Utc>) -> Result<()>;

    /// Ends all sessions of an account, but for `except`; answers how many were open.
    async fn end_sessions(&self, account: AccountId, except: Option<SessionId>, at: DateTime<Utc>) -> Result<u64>;

    /// Keeps a link.
    async fn keep_link(&self, link: &Link, digest: &Digest) -> Result<()>;

    /// Uses a link of this kind: the first caller gets it, and it is used from then on. Nothing for one that is used, expired,
    /// unknown or of another kind.
    async fn use_link(&self, kind: LinkKind, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>>;

    /// The links of this kind that can still be used, made for this address and by this actor, where one is named: the newest
    /// [`MOST_LINKS`], newest first.
    async fn open_links(
        &self,
        kind: LinkKind,
        email: Option<&Email>,
        created_by: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Vec<(Digest, Link)>>;

    /// Ends these links, as if they had been used; answers how many were still good.
    async fn withdraw_links(&self, digests: &[Digest], now: DateTime<Utc>) -> Result<usize>;

    /// Keeps the digest by which a token is known.
    async fn keep_token(&self, token: ApiTokenId, digest: &Digest) -> Result<()>;

    /// The token with this digest; nothing for one that is archived or unknown. Whether it has expired is for the caller to see.
    async fn token(&self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<KnownToken>>;

    /// The token with this digest, whatever has become of it.
    async fn token_named(&self, digest: &Digest) -> Result<Option<ApiTokenId>>;

    /// Notes that a token was used; a later moment takes the place of an earlier one.
    async fn note_use(&self, token: ApiTokenId, at: DateTime<Utc>) -> Result<()>;

    /// When these tokens were last used; nothing for those that never were.
    async fn last_uses(&self, tokens: &[ApiTokenId]) -> Result<Vec<(ApiTokenId, DateTime<Utc>)>>;

    /// The keys that access tokens are signed with, newest first; retired ones are left out.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>>;

    /// Keeps a key; of two replicas that make the first one at the same moment both keep theirs, and both verify.
    async fn keep_signing_key(&self, key: &SigningKey) -> Result<()>;

    /// Retires a key: tokens signed with it are no longer believed. Whether there was one to retire.
    async fn retire_signing_key(&self, kid: &str, at: DateTime<Utc>) -> Result<bool>;
}
