//! What pushes ask of the database besides recording figures: keys by which a repeated push is known again, and what rows name.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use crate::{error::Result, id::CommunityId, key::ExternalId};

/// What a key of a push stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nothing yet: it is now taken, until the unit of work ends.
    New,
    /// The same push, with what was answered to it.
    Same(String),
    /// Another push.
    Other,
}

/// Keys of pushes, and what their rows name.
#[async_trait]
pub trait Ingest: Send + Sync {
    /// Takes `key` of `owner` for a push with this digest, unless it was taken after `since`; one statement or two. Whoever takes
    /// it at the same time is waited for. Only within a unit of work; undone, the key is free again.
    async fn claim(
        &self,
        owner: &str,
        key: &str,
        digest: &[u8; 32],
        at: DateTime<Utc>,
        since: DateTime<Utc>,
    ) -> Result<Claim>;

    /// Keeps what was answered to the push that has taken the key. Only within the same unit of work.
    async fn settle(&self, owner: &str, key: &str, answer: &str) -> Result<()>;

    /// The communities with these codes; one statement.
    async fn communities_by_code(&self, codes: &HashSet<ExternalId>) -> Result<HashMap<ExternalId, CommunityId>>;

    /// Those of these communities that are in no network any more, though they were; one statement.
    async fn departed(&self, communities: &HashSet<CommunityId>, today: NaiveDate) -> Result<HashSet<CommunityId>>;
}
