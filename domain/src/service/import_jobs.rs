//! Uploading files, and doing what they ask for.

use chrono::TimeDelta;

use super::{Services, session::Refused};
use crate::{
    access::{self, Actor, Needs, Who},
    audit::{Action, NewEntry},
    error::{Error, Problem, ProblemCode, Result},
    import_job::{
        ImportJob, ImportJobFilter, ImportJobId, ImportJobSort, ImportJobState, JobFailure, KEPT_DAYS, KeptReject,
        LEASE_SECONDS, MOST_NAME, MOST_TAKEOVERS, MOST_WAITING, Progress, UPLOAD_HOURS,
    },
    page::{ListQuery, Page},
    port::import_jobs::Lease,
};

/// Completes “sign in to …” and “you may not …”.
const WHAT: &str = "import figures";

/// A file to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What it is called.
    pub name: String,
    /// How it is to be read, for whoever reads it.
    pub settings: String,
    /// Whether nothing of it is kept.
    pub dry_run: bool,
    /// Whether it may create communities, indicators or sources: only administrators may say so.
    pub creates: bool,
}

/// Why a job is given up that nobody who took it up came further with.
fn given_up() -> JobFailure {
    let message = format!(
        "it was taken up {MOST_TAKEOVERS} times and came no further: reading it may take more memory or time than there is; divide the file"
    );
    JobFailure { code: "NO_PROGRESS".to_owned(), line: None, column: None, message }
}

impl Services {
    /// Begins an upload: pieces of the file follow.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] or [`Error::Forbidden`] for an actor who may record figures of no community, or may not create
    /// what the file may name; [`Error::Conflict`] while too many files of theirs wait; [`Error::Validation`] for the name.
    pub async fn begin_upload(&self, actor: &Actor, upload: Upload) -> Result<ImportJob> {
        let begun = self.try_begin_upload(actor, upload).await;
        self.denied(actor, &Refused::default(), begun).await
    }

    async fn try_begin_upload(&self, actor: &Actor, upload: Upload) -> Result<ImportJob> {
        let now = self.clock.now();
        access::require(actor, &Needs::recording(), now, WHAT)?;
        if upload.creates {
            access::require(actor, &Needs::administrator(), now, "create what a file names")?;
        }
        if upload.name.chars().count() > MOST_NAME || upload.name.chars().any(char::is_control) {
            let message = format!("at most {MOST_NAME} characters, none of them a control character");
            return Err(Error::invalid("name", ProblemCode::Invalid, message));
        }
        let owner = actor.name();
        if self.store.read().import_jobs().waiting(&owner).await? >= MOST_WAITING {
            let message = format!("{MOST_WAITING} files of yours are not done yet; wait for one of them");
            return Err(Error::Conflict(Problem::new("", ProblemCode::Conflict, message)));
        }
        let job = ImportJob {
            id: ImportJobId(self.clock.next_id()),
            owner,
            name: upload.name,
            settings: upload.settings,
            dry_run: upload.dry_run,
            state: ImportJobState::Uploading,
            bytes: 0,
            progress: Progress::default(),
            failure: None,
            stopping: false,
            created_at: now,
            started_at: None,
            finished_at: None,
            takeovers: 0,
        };
        let work = self.store.begin().await?;
        work.repositories().import_jobs().open(&job).await?;
        let entry = NewEntry::by(actor, now, Action::Import).detail(&format!("{} as job {}", job.name, job.id));
        work.repositories().audit().record(&[entry]).await?;
        work.commit().await?;
        Ok(job)
    }

    /// Keeps the next piece of a file that is coming in, numbered from 0.
    pub async fn keep_piece(&self, id: ImportJobId, number: i32, bytes: &[u8]) -> Result<()> {
        let work = self.store.begin().await?;
        work.repositories().import_jobs().keep_piece(id, number, bytes, self.clock.now()).await?;
        work.commit().await
    }

    /// The file is there, of so many bytes.
    pub async fn end_upload(&self, id: ImportJobId, bytes: i64) -> Result<()> {
        let work = self.store.begin().await?;
        work.repositories().import_jobs().queue(id, bytes, self.clock.now()).await?;
        work.commit().await
    }

    /// The file did not come in whole: nothing of it stays.
    pub async fn break_off_upload(&self, id: ImportJobId) -> Result<()> {
        let work = self.store.begin().await?;
        work.repositories().import_jobs().forget(id).await?;
        work.commit().await
    }

    /// A job that the actor may see: one of theirs, any for administrators.
    pub async fn import_job(&self, actor: &Actor, id: ImportJobId) -> Result<Option<ImportJob>> {
        if matches!(actor.who, Who::Anonymous) {
            return Ok(None);
        }
        let found = self.store.read().import_jobs().get(id).await?;
        Ok(found.filter(|job| self.may_cancel_import(actor, job)))
    }

    /// Whether the actor may see and stop a job: one of theirs, any for administrators.
    pub fn may_cancel_import(&self, actor: &Actor, job: &ImportJob) -> bool {
        let known = !matches!(actor.who, Who::Anonymous);
        known && (job.owner == actor.name() || Needs::administrator().met_by(actor, self.clock.now()))
    }

    /// A part of the jobs that the actor may see.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for nobody in particular.
    pub async fn import_jobs(
        &self,
        actor: &Actor,
        query: &ListQuery<ImportJobFilter, ImportJobSort>,
    ) -> Result<Page<ImportJob>> {
        access::require_anybody(actor, "see import jobs")?;
        let all = Needs::administrator().met_by(actor, self.clock.now());
        let owner = Some(actor.name()).filter(|_| !all);
        self.store.read().import_jobs().list(owner.as_deref(), query).await
    }

    /// Whether the actor may see the rows of a job: those who uploaded them. Administrators have no part in content.
    pub fn may_see_rows(&self, actor: &Actor, job: &ImportJob) -> bool {
        job.owner == actor.name() || matches!(actor.who, Who::Operator(_))
    }

    /// Rows of a job that were not kept, from this number on; none for those who may not see them.
    pub async fn import_rejects(
        &self,
        actor: &Actor,
        job: &ImportJob,
        from: u64,
        most: u64,
    ) -> Result<Vec<KeptReject>> {
        if !self.may_see_rows(actor, job) {
            return Ok(Vec::new());
        }
        self.store.read().import_jobs().rejects(job.id, from, most).await
    }

    /// Stops a job; one that is over already is answered as it is. What it recorded stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a job that the actor may not see.
    pub async fn cancel_import(&self, actor: &Actor, id: ImportJobId) -> Result<ImportJob> {
        let cancelled = self.try_cancel_import(actor, id).await;
        self.denied(actor, &Refused::default(), cancelled).await
    }

    async fn try_cancel_import(&self, actor: &Actor, id: ImportJobId) -> Result<ImportJob> {
        access::require_anybody(actor, WHAT)?;
        let missing = Error::NotFound { noun: "ImportJob", key: "id" };
        let job = self.import_job(actor, id).await?.ok_or_else(|| missing.clone())?;
        if job.state.is_over() {
            return Ok(job);
        }
        let (work, now) = (self.store.begin().await?, self.clock.now());
        work.repositories().import_jobs().stop(id, now).await?;
        let entry = NewEntry::by(actor, now, Action::Import).detail(&format!("cancelled job {id}"));
        work.repositories().audit().record(&[entry]).await?;
        work.commit().await?;
        self.import_job(actor, id).await?.ok_or(missing)
    }

    /// Takes up a job that waits, or that somebody else has left, for [`LEASE_SECONDS`]. Those that were taken up
    /// [`MOST_TAKEOVERS`] times and came no further are given up.
    pub async fn take_up_import(&self) -> Result<Option<(Lease, ImportJob)>> {
        loop {
            let (work, now) = (self.store.begin().await?, self.clock.now());
            let holder = self.clock.next_id();
            let jobs = work.repositories().import_jobs();
            let found = jobs.claim(holder, now, now + TimeDelta::seconds(LEASE_SECONDS)).await?;
            let found = found.map(|job| (Lease { job: job.id, holder }, job));
            if let Some((lease, _)) = found.as_ref().filter(|(_, job)| job.takeovers > MOST_TAKEOVERS) {
                jobs.finish(*lease, ImportJobState::Failed, Some(&given_up()), now).await?;
                work.commit().await?;
                continue;
            }
            work.commit().await?;
            return Ok(found);
        }
    }

    /// Holds a job on for [`LEASE_SECONDS`]. Whether it is still the caller's, and nobody wants it to stop.
    pub async fn hold_import(&self, lease: Lease) -> Result<bool> {
        let until = self.clock.now() + TimeDelta::seconds(LEASE_SECONDS);
        let work = self.store.begin().await?;
        let held = work.repositories().import_jobs().hold(lease, until).await?;
        work.commit().await?;
        Ok(held)
    }

    /// Leaves a job to whoever takes it up next.
    pub async fn leave_import(&self, lease: Lease) -> Result<()> {
        let work = self.store.begin().await?;
        work.repositories().import_jobs().leave(lease, self.clock.now()).await?;
        work.commit().await
    }

    /// A piece of the file of a job.
    pub async fn import_piece(&self, id: ImportJobId, number: i32) -> Result<Option<Vec<u8>>> {
        self.store.read().import_jobs().piece(id, number).await
    }

    /// The job is over: how far it came is kept, its file is not.
    pub async fn finish_import(
        &self,
        lease: Lease,
        state: ImportJobState,
        failure: Option<&JobFailure>,
    ) -> Result<bool> {
        let work = self.store.begin().await?;
        let done = work.repositories().import_jobs().finish(lease, state, failure, self.clock.now()).await?;
        work.commit().await?;
        Ok(done)
    }

    /// Removes uploads that nobody goes on with, and jobs that were over long ago.
    pub async fn sweep_imports(&self) -> Result<()> {
        let (work, now) = (self.store.begin().await?, self.clock.now());
        let jobs = work.repositories().import_jobs();
        jobs.sweep(now - TimeDelta::hours(UPLOAD_HOURS), now - TimeDelta::days(KEPT_DAYS)).await?;
        work.commit().await
    }

    /// Whoever uploaded a file, with what they may do now; nothing if they may not record figures any more.
    pub async fn owner_of_import(&self, job: &ImportJob) -> Result<Option<Actor>> {
        let owner = self.actor_named(self.store.read(), &job.owner).await?;
        Ok(owner.filter(|owner| Needs::recording().met_by(owner, self.clock.now())))
    }
}
