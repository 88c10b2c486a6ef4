//! Keeping the audit log.

use async_trait::async_trait;

use crate::{
    audit::{AuditFilter, AuditSight, AuditSort, Entry, NewEntry},
    error::Result,
    page::{ListQuery, Page},
};

/// Records entries and reads them; there is no way to change or remove one.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Keeps these entries, in their order. Within a unit of work they last if it does: record what was done there, and
    /// what was refused outside of it.
    async fn record(&self, entries: &[NewEntry]) -> Result<()>;

    /// A part of the entries that the reader may see: one statement, and another if a count is asked for. Entries are
    /// never archived.
    async fn list(&self, sight: &AuditSight, query: &ListQuery<AuditFilter, AuditSort>) -> Result<Page<Entry>>;

    /// Every entry for which the filter holds with a place above `place` and up to `last`, oldest first, at most `most`;
    /// one statement. For those who go through all of them in pieces.
    async fn after(&self, filter: &AuditFilter, place: i64, last: i64, most: u64) -> Result<Vec<Entry>>;

    /// The newest place such that no entry at or before it is still to come; 0 for an empty log. Units of work that have
    /// recorded and not ended are waited for, a few seconds. Not within a unit of work.
    ///
    /// # Errors
    /// [`crate::Error::Busy`] if one of them does not end in time.
    async fn settled(&self) -> Result<i64>;
}
