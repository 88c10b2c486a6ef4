//! Imports in steps that last one by one: files of any size, in any number of attempts.

use std::io::Read;

use async_trait::async_trait;
use domain::{
    audit::NewEntry,
    error::{Error, Result},
    import_job::Progress,
    service::Session,
};
use tokio::sync::mpsc;

use super::{
    batch::Batch,
    communities::Directory,
    failure::Failure,
    import::{Importer, Observer, WAITING, read},
    options::Options,
    report::{Created, Reject, Report},
    resolve::{Resolver, Spelt},
    writer::{Placed, Writer, Written},
};

/// What is done, for whoever may not.
const WHAT: &str = "import figures";
/// Rejected rows of a dry run that are kept; all are counted.
const MOST_OF_DRY_RUN: usize = 10_000;
/// How long they are together at most, bytes: they are held until its end.
const LONGEST_OF_DRY_RUN: usize = 32 * 1024 * 1024;

/// Makes each step of an import last.
#[async_trait]
pub trait Steps: Send {
    /// Notes in the session how far the import is with what was written in it, and commits it. `rejects` are those of this step.
    ///
    /// # Errors
    /// Whatever keeps it from lasting: the import ends there, and nothing of the step stays.
    async fn lasts(&mut self, session: Session, progress: &Progress, rejects: Vec<Reject>) -> Result<()>;
}

/// Hears what is rejected.
#[derive(Default)]
struct Rejects {
    kept: Vec<Reject>,
    bytes: u64,
    /// Whether all of them are held until the end, and so only the first.
    only_first: bool,
    /// How long the rows are that are held so.
    held: usize,
    full: bool,
}

impl Observer for Rejects {
    fn progress(&mut self, bytes: u64, _: u64) {
        self.bytes = bytes;
    }

    fn rejected(&mut self, reject: &Reject) {
        if self.only_first {
            self.held += reject.raw.as_deref().map_or(0, str::len);
            self.full |= self.kept.len() >= MOST_OF_DRY_RUN || self.held > LONGEST_OF_DRY_RUN;
        }
        if !self.full {
            self.kept.push(reject.clone());
        }
    }

    fn wants_rows(&self) -> bool {
        true
    }
}

/// Reads a whole text without doing anything with it: whether it can be read to its end.
///
/// # Errors
/// What keeps it from being read.
pub async fn check(reader: impl Read + Send + 'static, options: &Options) -> Result<std::result::Result<(), Failure>> {
    let (sender, mut batches) = mpsc::channel(WAITING);
    let options = options.clone();
    let reading = tokio::task::spawn_blocking(move || read(reader, &options, false, &sender));
    while batches.recv().await.is_some() {}
    Ok(reading.await.map_err(Error::internal)?.map(drop))
}

impl Importer<'_> {
    /// Imports a text in steps, from where an earlier attempt came to. A dry run is one step, and nothing of it lasts but what is
    /// told of it.
    ///
    /// # Errors
    /// As [`Importer::text`], and as the steps. The steps before stay.
    pub async fn in_steps(
        &mut self,
        name: &str,
        reader: impl Read + Send + 'static,
        done: Progress,
        steps: &mut dyn Steps,
    ) -> Result<std::result::Result<(), Failure>> {
        let named = match self.named(name) {
            Ok(named) => named,
            Err(failure) => return Ok(Err(failure)),
        };
        let today = self.services.clock().today();
        let session = self.session().await?;
        let mut directory = Directory::load(session.repositories(), self.options, today).await?;
        let resolver = Resolver {
            options: self.options,
            creating: false,
            directory: &mut directory,
            path: None,
            named,
            today,
            created: Created::default(),
            notices: Vec::new(),
            spelt: Spelt::default(),
        };
        let (sender, batches) = mpsc::channel(WAITING);
        let options = self.options.clone();
        let reading = tokio::task::spawn_blocking(move || read(reader, &options, true, &sender));
        let mut ahead = Ahead { batches, writer: Writer::new(resolver), passed: 0, recorded: done.counts.read };
        let heard = Rejects { only_first: self.options.dry_run, ..Rejects::default() };
        let mut told = Told { done, report: Report::default(), heard };
        let refused = if self.options.dry_run {
            self.rehearsed(session, &mut ahead, &mut told).await?
        } else {
            self.recorded(session, &mut ahead, &mut told, steps).await?
        };
        let outcome = reading.await.map_err(Error::internal)?;
        let notices = outcome.as_ref().map_or(&[][..], Vec::as_slice);
        let progress = told.progress(notices);
        // What is known at the end alone is told then.
        if outcome.is_ok() && (self.options.dry_run || !notices.is_empty()) {
            let session = self.session().await?;
            session.note_refused(refused, WHAT);
            steps.lasts(session, &progress, told.heard.kept).await?;
        }
        Ok(outcome.map(drop))
    }

    /// Shows what would become of the rest in one session, of which nothing stays; answers what was refused.
    async fn rehearsed(&self, mut session: Session, ahead: &mut Ahead<'_>, told: &mut Told) -> Result<Vec<NewEntry>> {
        while let Some(placed) = ahead.next(&session).await? {
            told.hear(placed.record(&mut session).await?);
        }
        Ok(session.take_refused())
    }

    /// Records the rest, each batch in a session of its own; answers what was refused after the last.
    async fn recorded(
        &self,
        mut session: Session,
        ahead: &mut Ahead<'_>,
        told: &mut Told,
        steps: &mut dyn Steps,
    ) -> Result<Vec<NewEntry>> {
        let mut next = ahead.next(&session).await?;
        while let Some(placed) = next {
            session.begin_now();
            let recording = async {
                told.hear(placed.record(&mut session).await?);
                session.note_refused(session.take_refused(), WHAT);
                let (progress, rejects) = (told.progress(&[]), std::mem::take(&mut told.heard.kept));
                steps.lasts(session, &progress, rejects).await
            };
            // What the next batch names is looked up meanwhile, where that neither waits for this one nor has to see what it makes.
            let (lasts, following) = if self.services.writes_side_by_side() && !self.options.create.any() {
                tokio::join!(recording, self.following(ahead))
            } else {
                (recording.await, Ok(None))
            };
            lasts?;
            (session, next) = if let Some(following) = following? {
                following
            } else {
                let session = self.session().await?;
                let next = ahead.next(&session).await?;
                (session, next)
            };
        }
        Ok(session.take_refused())
    }

    /// The batch after the one that is being recorded, in a session of its own; none if the database has no connection to spare.
    async fn following<'a>(&self, ahead: &mut Ahead<'a>) -> Result<Option<(Session, Option<Placed<'a>>)>> {
        let session = match self.session().await {
            Ok(session) => session,
            Err(Error::Busy) => return Ok(None),
            Err(error) => return Err(error),
        };
        let next = ahead.next(&session).await?;
        Ok(Some((session, next)))
    }

    async fn session(&self) -> Result<Session> {
        let mut session = self.services.session(self.actor, WHAT).await?;
        if self.options.dry_run {
            session.rehearse();
        }
        Ok(session)
    }
}

/// What is still to be read.
struct Ahead<'a> {
    batches: mpsc::Receiver<Batch>,
    writer: Writer<'a>,
    /// Rows that were read so far.
    passed: u64,
    /// How many an earlier attempt has recorded.
    recorded: u64,
}

impl<'a> Ahead<'a> {
    /// The next batch of which not everything is recorded, once it is looked up what it names.
    async fn next(&mut self, session: &Session) -> Result<Option<Placed<'a>>> {
        while let Some(mut batch) = self.batches.recv().await {
            self.passed += batch.length();
            if self.passed > self.recorded {
                return self.writer.place(session, batch).await.map(Some);
            }
            // Its rows are recorded; what they name is still to be known.
            batch.leave_out_rows();
            self.writer.place(session, batch).await?;
        }
        Ok(None)
    }
}

/// What became of the rows, with those of earlier attempts.
struct Told {
    done: Progress,
    report: Report,
    heard: Rejects,
}

impl Told {
    fn hear(&mut self, written: Written) {
        written.tell(&mut self.report, &mut self.heard);
    }

    fn progress(&self, notices: &[String]) -> Progress {
        let (mut counts, mut notes) = (self.done.counts, self.done.notes.clone());
        counts.add(&self.report.counts);
        notes.extend(self.report.notes(notices));
        Progress { bytes: i64::try_from(self.heard.bytes).unwrap_or(i64::MAX), counts, notes }
    }
}

impl Batch {
    /// How many rows were read for it.
    fn length(&self) -> u64 {
        (self.rows.len() + self.rejects.len()) as u64
    }

    fn leave_out_rows(&mut self) {
        self.rows.clear();
        self.rejects.clear();
    }
}
