//! Making and checking secrets: the domain decides when, the outside knows how.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::identity::Digest;
use crate::{
    error::Result,
    id::{AccountId, SessionId},
};

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A refresh token.
    Refresh,
    /// A link of an invitation or a recovery.
    Link,
    /// An API token.
    Api,
}

/// A secret that is shown once, and the digest by which it is known again.
pub struct Minted {
    /// What its holder is given.
    pub text: String,
    /// What is kept.
    pub digest: Digest,
}

/// Whether a password is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is not.
    Wrong,
    /// It is.
    Right,
    /// It is, and its hash should be made anew.
    RightButOutdated,
}

/// A signed access token.
#[derive(Clone)]
pub struct AccessToken {
    /// The token.
    pub text: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Makes and checks secrets.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Why a password cannot be taken, if it cannot; for people.
    fn password_fault(&self, password: &str, email: &str) -> Option<&'static str>;

    /// The hash of a password; slow on purpose, and not on the caller's thread.
    async fn hash(&self, password: String) -> Result<String>;

    /// Whether the password is the one that was hashed. Without a hash it takes as long, and is wrong.
    async fn verify(&self, password: String, hash: Option<String>) -> PasswordVerdict;

    /// A new secret.
    fn mint(&self, kind: SecretKind) -> Result<Minted>;

    /// The digest of a text that has the form of such a secret.
    fn digest(&self, kind: SecretKind, text: &str) -> Option<Digest>;

    /// A signed token that says who somebody is, for a short time.
    fn issue(&self, account: AccountId, session: SessionId, now: DateTime<Utc>) -> Result<AccessToken>;
}
