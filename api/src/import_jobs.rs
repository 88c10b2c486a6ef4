//! Works on files that were uploaded: one at a time in each replica, any replica whichever file is next.
//!
//! A file is read twice. The first time nothing is written, so that one that cannot be read to its end is refused whole. The second
//! time every batch of rows is recorded together with how far that is: whoever goes on after a crash leaves out as many rows
//! as were read until then.

use std::{
    collections::VecDeque,
    future::Future,
    io::{self, Read},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    access::Actor,
    error::{Error, Result},
    import_job::{ImportJob, ImportJobState, JobFailure, KeptReject, LEASE_SECONDS, Progress},
    port::import_jobs::Lease,
    service::{Services, Session},
};
use tokio::sync::{Notify, mpsc};

use crate::exchange::{Failure, Importer, Options, Reject, Stage, Steps, asked, check};

/// How often jobs are looked for where nobody tells of one: those that another replica has queued, or left.
const POLL: Duration = Duration::from_secs(5);
/// How often a job is held on, and looked whether it is to go on.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often a job is tried that comes no further.
const ATTEMPTS: u32 = 10;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the time between attempts is doubled at most.
const LONGEST: u32 = 4;
/// How often old uploads are looked for.
const SWEEP: Duration = Duration::from_mins(10);
/// Pieces of a file that are read ahead.
const AHEAD: usize = 2;

/// Tells this replica's worker that a file has come in.
#[derive(Debug, Clone, Default)]
pub struct ImportQueue(Arc<Notify>);

impl ImportQueue {
    /// A file has come in.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// How an attempt ended.
enum Attempt {
    /// The file was read to its end.
    Done,
    /// The job cannot be done.
    Refused(JobFailure),
    /// It is not this replica's any more, or somebody wants it to stop.
    Lost,
    /// Whoever uploaded it may do other things now than when the attempt began.
    Changed,
}

/// Works on jobs until `stop` is done. What is under way then is left to whoever takes it up next.
pub async fn work_on_imports(services: Services, queue: ImportQueue, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        let busy = tokio::select! {
            () = &mut stop => return,
            _ = sweep.tick() => {
                noted("old uploads", services.sweep_imports().await);
                true
            }
            taken = services.take_up_import() => match taken {
                Ok(Some((lease, job))) => {
                    tokio::select! {
                        () = work(&services, lease, job) => {}
                        () = &mut stop => {
                            noted("a job", services.leave_import(lease).await);
                            return;
                        }
                    }
                    true
                }
                Ok(None) => false,
                Err(error) => {
                    noted("import jobs", Err::<(), _>(error));
                    false
                }
            },
        };
        if !busy {
            tokio::select! {
                () = &mut stop => return,
                () = queue.0.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

fn noted<T>(what: &str, result: Result<T>) {
    if let Err(error) = result {
        tracing::warn!(%error, "{what} could not be looked after");
    }
}

/// Works on a job until it is over, or another's.
async fn work(services: &Services, lease: Lease, mut job: ImportJob) {
    tracing::info!(job = %job.id, from = job.progress.counts.read, "importing");
    let mut idle = 0;
    let (state, failure) = loop {
        let before = job.progress.counts.read;
        let failure = match attempt(services, lease, &job).await {
            Ok(Attempt::Done) => break (ImportJobState::Succeeded, None),
            Ok(Attempt::Refused(failure)) => break (ImportJobState::Failed, Some(failure)),
            Ok(Attempt::Lost) => break (ImportJobState::Cancelled, None),
            Ok(Attempt::Changed) => None,
            Err(Error::Busy) => Some(failed("BUSY", "the database could not take it for a long time; try again")),
            Err(error) => break (ImportJobState::Failed, Some(of_error(&error))),
        };
        // A database that is restarted is away for a while: ten attempts take two minutes. Never longer than a lease lasts.
        tokio::time::sleep(PAUSE * 2_u32.pow(idle.min(LONGEST))).await;
        match read_again(services, &job).await {
            Some(found) => job = found,
            None => return,
        }
        idle = if job.progress.counts.read > before || failure.is_none() { 0 } else { idle + 1 };
        if idle >= ATTEMPTS {
            break (ImportJobState::Failed, failure);
        }
    };
    // One that is another's by now is left as it is.
    match services.finish_import(lease, state, failure.as_ref()).await {
        Ok(_) => tracing::info!(job = %job.id, state = state.code(), "imported"),
        // Whoever takes it up finds nothing left to do.
        Err(error) => noted("a job", Err::<(), _>(error)),
    }
}

/// The job as it is now. A step may have lasted though nobody heard so, when the database went away: whoever went on from where they
/// thought it stood would count its rows again. Nothing if it is gone, or cannot be read; it is then left to whoever takes it up next.
async fn read_again(services: &Services, job: &ImportJob) -> Option<ImportJob> {
    for _ in 0..ATTEMPTS {
        match services.import_job(&Actor::operator("import"), job.id).await {
            Ok(found) => return found,
            Err(error) => noted("a job", Err::<(), _>(error)),
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}

/// Goes on with a job from where it stands.
async fn attempt(services: &Services, lease: Lease, job: &ImportJob) -> Result<Attempt> {
    let Some(actor) = services.owner_of_import(job).await? else {
        return Ok(Attempt::Refused(failed("FORBIDDEN", "whoever uploaded it may not record figures any more")));
    };
    let pairs: Vec<(String, String)> = serde_json::from_str(&job.settings).map_err(Error::internal)?;
    let mut options = match asked(services, pairs, Stage::GoesOn).await? {
        Ok(asked) => asked.options,
        Err(bad) => return Ok(Attempt::Refused(failed("BAD_USER_INPUT", &bad.message))),
    };
    options.dry_run = job.dry_run;
    tokio::select! {
        done = read_twice(services, lease, job, &actor, &options) => done,
        ended = watch(services, lease, job, &actor) => Ok(ended),
    }
}

/// Ends when the job is to be worked on no longer, or by somebody with other rights.
async fn watch(services: &Services, lease: Lease, job: &ImportJob, actor: &Actor) -> Attempt {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match services.hold_import(lease).await {
            Ok(true) => {}
            Ok(false) => return Attempt::Lost,
            // The lease is longer than a few of these; should it end, the next step finds out.
            Err(error) => noted("a job", Err::<(), _>(error)),
        }
        match services.owner_of_import(job).await {
            Ok(Some(present)) if present == *actor => {}
            Ok(_) => return Attempt::Changed,
            Err(error) => noted("a job", Err::<(), _>(error)),
        }
    }
}

async fn read_twice(
    services: &Services,
    lease: Lease,
    job: &ImportJob,
    actor: &Actor,
    options: &Options,
) -> Result<Attempt> {
    if job.dry_run && job.progress.counts.read > 0 {
        // All of it was told at once.
        return Ok(Attempt::Done);
    }
    if job.progress.counts.read == 0 {
        let file = Pieces::of(services, job);
        if let Err(failure) = file.whole(|pieces| check(pieces, options)).await? {
            return Ok(Attempt::Refused(of_failure(failure)));
        }
    }
    let mut importer = Importer::new(services, actor, options);
    let mut steps = Recorded { lease, dry_run: job.dry_run, lost: false, until: LEASE_SECONDS };
    let file = Pieces::of(services, job);
    let read = file.whole(|pieces| importer.in_steps(&job.name, pieces, job.progress.clone(), &mut steps)).await;
    match read {
        Ok(Ok(())) => Ok(Attempt::Done),
        Ok(Err(failure)) => Ok(Attempt::Refused(of_failure(failure))),
        Err(_) if steps.lost => Ok(Attempt::Lost),
        Err(error) => Err(error),
    }
}

/// Records each step together with how far the job is.
struct Recorded {
    lease: Lease,
    dry_run: bool,
    lost: bool,
    until: i64,
}

#[async_trait]
impl Steps for Recorded {
    async fn lasts(&mut self, session: Session, progress: &Progress, rejects: Vec<Reject>) -> Result<()> {
        let jobs = session.repositories().import_jobs();
        let until = session.now() + chrono::TimeDelta::seconds(self.until);
        if !jobs.advance(self.lease, progress, until).await? {
            self.lost = true;
            return Err(Error::Busy);
        }
        let kept: Vec<KeptReject> = rejects.into_iter().map(kept).collect();
        let before = progress.counts.rejected.saturating_sub(kept.len() as u64);
        // A dry run keeps the first of them, and tells of all at once.
        jobs.keep_rejects(self.lease.job, if self.dry_run { 0 } else { before }, &kept).await?;
        session.commit().await
    }
}

fn kept(reject: Reject) -> KeptReject {
    let Reject { line, reason, raw } = reject;
    KeptReject {
        line: i64::try_from(line).unwrap_or(i64::MAX),
        column: reason.column.clone().into_owned(),
        code: reason.code.to_owned(),
        message: reason.detail.unwrap_or_else(|| reason.kind.into_owned()),
        row: raw.unwrap_or_default(),
    }
}

fn failed(code: &str, message: &str) -> JobFailure {
    JobFailure { code: code.to_owned(), line: None, column: None, message: message.to_owned() }
}

fn of_failure(failure: Failure) -> JobFailure {
    JobFailure { line: failure.line, column: failure.column, ..failed(failure.code.code(), &failure.message) }
}

fn of_error(error: &Error) -> JobFailure {
    match error {
        Error::Internal(detail) => {
            tracing::error!(%detail, "internal error");
            failed("INTERNAL", "Something went wrong here; it has been noted.")
        }
        Error::NotFound { .. } => failed("NOT_FOUND", &error.to_string()),
        Error::Forbidden(_) | Error::Unauthenticated(_) => failed("FORBIDDEN", &error.to_string()),
        other => failed("BAD_USER_INPUT", &other.to_string()),
    }
}

/// The pieces of a file, fetched a little ahead of whoever reads them.
struct Pieces {
    services: Services,
    job: domain::import_job::ImportJobId,
}

impl Pieces {
    fn of(services: &Services, job: &ImportJob) -> Self {
        Self { services: services.clone(), job: job.id }
    }

    /// Has the file read. Where a piece cannot be fetched, that is the error, and not what the reader made of it.
    async fn whole<T, F: Future<Output = Result<T>>>(self, read: impl FnOnce(PieceReader) -> F) -> Result<T> {
        let (sender, pieces) = mpsc::channel(AHEAD);
        let broken = Arc::new(AtomicBool::new(false));
        let fetched = async {
            for number in 0.. {
                match self.services.import_piece(self.job, number).await {
                    Ok(Some(piece)) => {
                        if sender.send(Ok(piece)).await.is_err() {
                            break;
                        }
                    }
                    Ok(None) => break,
                    Err(_) => {
                        broken.store(true, Ordering::Release);
                        let _ = sender.send(Err(io::Error::other("a piece cannot be fetched"))).await;
                        break;
                    }
                }
            }
            drop(sender);
        };
        let (read, ()) = tokio::join!(read(PieceReader { pieces, rest: VecDeque::new() }), fetched);
        if broken.load(Ordering::Acquire) { Err(Error::Busy) } else { read }
    }
}

/// Reads pieces as one text, in a thread that may wait for them.
struct PieceReader {
    pieces: mpsc::Receiver<io::Result<Vec<u8>>>,
    rest: VecDeque<u8>,
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.rest = piece?.into(),
                None => return Ok(0),
            }
        }
        self.rest.read(buffer)
    }
}
