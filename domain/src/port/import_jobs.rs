//! Where uploaded files wait, so that any replica can take them up and another go on when one has stopped.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    error::Result,
    import_job::{
        ImportJob, ImportJobFilter, ImportJobId, ImportJobSort, ImportJobState, JobFailure, KeptReject, Progress,
    },
    page::{ListQuery, Page},
};

/// A job that a replica holds. Another that takes it up has a holder of its own, and this one can change nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: ImportJobId,
    /// Whoever holds it: another at every time that it is taken up.
    pub holder: Uuid,
}

/// Import jobs with the files that they read.
#[async_trait]
pub trait ImportJobs: Send + Sync {
    /// Keeps a new job, whose file is still coming in.
    async fn open(&self, job: &ImportJob) -> Result<()>;

    /// The job, if there is one.
    async fn get(&self, id: ImportJobId) -> Result<Option<ImportJob>>;

    /// A part of the jobs of this owner, or of all.
    async fn list(
        &self,
        owner: Option<&str>,
        query: &ListQuery<ImportJobFilter, ImportJobSort>,
    ) -> Result<Page<ImportJob>>;

    /// How many jobs of this owner are not over.
    async fn waiting(&self, owner: &str) -> Result<u64>;

    /// Keeps the next piece of a file, numbered from 0.
    async fn keep_piece(&self, id: ImportJobId, number: i32, bytes: &[u8], at: DateTime<Utc>) -> Result<()>;

    /// A piece of a file; nothing after the last.
    async fn piece(&self, id: ImportJobId, number: i32) -> Result<Option<Vec<u8>>>;

    /// The file is there, of so many bytes: the job may be taken up. One that somebody stopped meanwhile is over, and its file is
    /// removed.
    async fn queue(&self, id: ImportJobId, bytes: i64, at: DateTime<Utc>) -> Result<()>;

    /// Removes a job whose file never came in whole.
    async fn forget(&self, id: ImportJobId) -> Result<()>;

    /// Takes up the oldest job that nobody holds until `until`. No two callers get the same.
    async fn claim(&self, holder: Uuid, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<ImportJob>>;

    /// Holds the job on until `until`. Whether it is still the caller's, and nobody wants it to stop.
    async fn hold(&self, lease: Lease, until: DateTime<Utc>) -> Result<bool>;

    /// Leaves the job, if it is still the caller's, to whoever takes it up next. That it was taken up does not count.
    async fn leave(&self, lease: Lease, now: DateTime<Utc>) -> Result<()>;

    /// Notes how far the job is, within the unit of work that records the figures. Whether it is still the caller's, and nobody
    /// wants it to stop; otherwise that unit of work must be given up.
    async fn advance(&self, lease: Lease, progress: &Progress, until: DateTime<Utc>) -> Result<bool>;

    /// Keeps rows that were rejected; `first` is the number of the first of them in the file, from 0.
    async fn keep_rejects(&self, id: ImportJobId, first: u64, rejects: &[KeptReject]) -> Result<()>;

    /// Rejected rows from this number on, in the order of the file, at most so many.
    async fn rejects(&self, id: ImportJobId, from: u64, most: u64) -> Result<Vec<KeptReject>>;

    /// The job is over: its file is not needed any more. Whether it was still the caller's.
    async fn finish(
        &self,
        lease: Lease,
        state: ImportJobState,
        failure: Option<&JobFailure>,
        at: DateTime<Utc>,
    ) -> Result<bool>;

    /// Somebody wants it to stop. One that nobody holds is over at once.
    async fn stop(&self, id: ImportJobId, now: DateTime<Utc>) -> Result<()>;

    /// Removes uploads that rest since before `rested`, and jobs that were over before `over`.
    async fn sweep(&self, rested: DateTime<Utc>, over: DateTime<Utc>) -> Result<()>;
}
