//! Reading the feed of changes. What is recorded enters it by itself, when its unit of work is committed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    access::Scope,
    change_feed::{ChangePage, ChangeQuery, CursorKey, FeedPlace},
    error::Result,
};

/// The feed of changes.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// The next changes that the reader may see, by what may be seen now. Three statements for so many revisions as a page and more
    /// hold; several times that where few of them are the reader's.
    ///
    /// Whoever reads on from where an answer ended gets every revision once: a unit of work takes its place while it is committed,
    /// and no other can take one until it is there to be read.
    async fn changes(&self, scope: &Scope, query: &ChangeQuery) -> Result<ChangePage>;

    /// The place of what is recorded from now on; one statement.
    async fn end(&self) -> Result<FeedPlace>;

    /// Whether an embargo has ended by `now` and is not in the feed yet; one statement.
    async fn has_released(&self, now: DateTime<Utc>) -> Result<bool>;

    /// The secret under which readers are told of places, the same for every replica; nothing until one was kept.
    async fn cursor_key(&self) -> Result<Option<CursorKey>>;

    /// Keeps a secret, unless there is one already. Only within a unit of work.
    async fn keep_cursor_key(&self, key: &CursorKey) -> Result<()>;

    /// Puts the current figures whose embargo has ended by `now` into the feed. Only within a unit of work.
    async fn release(&self, now: DateTime<Utc>) -> Result<()>;
}
