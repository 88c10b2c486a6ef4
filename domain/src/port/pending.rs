//! Keeping figures that wait until a steward publishes them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    error::Result,
    page::{ListQuery, Page},
    pending::{
        Chosen, PendingFilter, PendingId, PendingObservation, PendingSight, PendingSort, PendingState, Receipt, Sender,
        Submission,
    },
};

/// Figures that wait.
#[async_trait]
pub trait PendingFigures: Send + Sync {
    /// Receives figures already checked by [`crate::observation::Figure::check`], at `at` from their sender, and says what became of each, in
    /// their order. Only within a unit of work; whoever else sends in or decides about figures of the same communities is waited for.
    ///
    /// A figure that says the same as the one that waits, declined or not, or as the published one while nothing waits, is unchanged,
    /// as far as the sender may know of that one; any other takes the place of the one that waits. Contradictions within the call, periods that overlap published ones and locked
    /// ones are rejected as [`super::figures::Figures::record`] does.
    async fn receive(&self, figures: &[Submission], at: DateTime<Utc>, sender: Sender<'_>) -> Result<Vec<Receipt>>;

    /// Those with these ids that may be seen, in any order; one statement.
    async fn get(&self, sight: &PendingSight, ids: &[PendingId]) -> Result<Vec<PendingObservation>>;

    /// A part of the list: one statement, and another if a count is asked for.
    async fn list(
        &self,
        sight: &PendingSight,
        query: &ListQuery<PendingFilter, PendingSort>,
    ) -> Result<Page<PendingObservation>>;

    /// The first `most` of those chosen that may be seen, oldest first, and how many more there are. Until the unit of work ends
    /// nobody else changes what waits of their communities.
    async fn take_up(&self, sight: &PendingSight, chosen: &Chosen, most: u64)
    -> Result<(Vec<PendingObservation>, u64)>;

    /// Puts these into a state. Only after [`PendingFigures::take_up`].
    async fn decide(
        &self,
        ids: &[PendingId],
        state: PendingState,
        at: DateTime<Utc>,
        by: &str,
        reason: Option<&str>,
    ) -> Result<()>;

    /// These wait no longer. Only after [`PendingFigures::take_up`].
    async fn remove(&self, ids: &[PendingId]) -> Result<()>;
}
