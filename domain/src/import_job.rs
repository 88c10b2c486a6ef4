//! Files that are uploaded, and imported by whichever replica takes them up.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    code::codes,
    page::{Cursor, CursorValue, Order, SortKey},
};

/// The longest name of a file that is kept, characters.
pub const MOST_NAME: usize = 255;
/// How many files of one caller may wait or be worked on at a time.
pub const MOST_WAITING: u64 = 20;
/// How long what was not kept of a file can be asked for, days from its end.
pub const KEPT_DAYS: i64 = 30;
/// How long an upload may rest before it is given up, hours.
pub const UPLOAD_HOURS: i64 = 1;
/// How long a replica holds a job without being heard of, seconds. Whoever takes it up then goes on from where it stood.
pub const LEASE_SECONDS: i64 = 30;

/// How often a job is taken up without coming any further: whoever held it before has ended each time, most likely of what its
/// file does, and would end of it for ever.
pub const MOST_TAKEOVERS: i32 = 5;

/// An import job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImportJobId(pub Uuid);

impl fmt::Display for ImportJobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

codes! {
    /// How far an import job is.
    pub enum ImportJobState {
        /// Its file is still coming in.
        Uploading = "UPLOADING",
        /// It waits for a replica to take it up.
        Queued = "QUEUED",
        /// A replica works on it, or has stopped doing so and another will go on.
        Running = "RUNNING",
        /// Its file was read to the end: every row is recorded, or rejected for a reason.
        Succeeded = "SUCCEEDED",
        /// It could not go on. What was recorded before stays recorded, as its counts say.
        Failed = "FAILED",
        /// Somebody stopped it. What was recorded before stays recorded, as its counts say.
        Cancelled = "CANCELLED",
    }
}

impl ImportJobState {
    /// Whether nothing more will happen.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// How many rows were read and what became of them. `read` is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows read: neither the header nor blank lines.
    pub read: u64,
    /// Figures that were not known before.
    pub created: u64,
    /// New revisions of figures.
    pub updated: u64,
    /// Rows that say what is known already.
    pub unchanged: u64,
    /// Rows that wait until a steward publishes them.
    pub received: u64,
    /// Rows that were not kept.
    pub rejected: u64,
}

impl RowCounts {
    /// Whether every row read is accounted for.
    pub const fn balance(&self) -> bool {
        self.read == self.created + self.updated + self.unchanged + self.received + self.rejected
    }

    /// Adds those of another file.
    pub const fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.received += other.received;
        self.rejected += other.rejected;
    }
}

impl fmt::Display for RowCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, created, updated, unchanged, received, rejected } = self;
        write!(f, "{read} read, {created} created, {updated} updated, {unchanged} unchanged, ")?;
        if *received > 0 {
            write!(f, "{received} received, ")?;
        }
        write!(f, "{rejected} rejected")
    }
}

codes! {
    /// What a note on an import tells.
    pub enum NoteKind {
        /// Rows were read as something that they do not literally say, by a rule of the format or of the mapping.
        Adjusted = "ADJUSTED",
        /// Something that the rows name was created on the way.
        Created = "CREATED",
        /// Figures were kept that a data-quality rule finds doubtful.
        Doubtful = "DOUBTFUL",
        /// What else should be known, such as columns that were not used.
        Notice = "NOTICE",
    }
}

/// Something that whoever sends a file should know though no row was rejected for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it tells.
    pub kind: NoteKind,
    /// What it is, for people.
    pub message: String,
    /// How many rows, or things, it is about.
    pub count: u64,
    /// The line of the first such row, from 1, where that is known.
    pub line: Option<u64>,
}

/// Notes on an import at most; what comes after is counted.
pub const MOST_NOTES: usize = 200;

/// Notes on an import, each message once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Adds a note; to one that says the same if there is one. After [`MOST_NOTES`] one more counts those that are left out.
    pub fn add(&mut self, note: Note) {
        if let Some(same) = self.0.iter_mut().find(|kept| kept.kind == note.kind && kept.message == note.message) {
            // An attempt that goes on where another stopped finds the same things again.
            let again = matches!(note.kind, NoteKind::Notice | NoteKind::Created);
            same.count = if again { same.count.max(note.count) } else { same.count.saturating_add(note.count) };
            same.line = [same.line, note.line].into_iter().flatten().min();
        } else if self.0.len() < MOST_NOTES {
            self.0.push(note);
        } else {
            let message = "more notes than are kept".to_owned();
            let more = Note { kind: NoteKind::Notice, message, count: 1, line: None };
            match self.0.last_mut().filter(|last| last.message == more.message) {
                Some(last) => last.count += 1,
                None => self.0.push(more),
            }
        }
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        others.0.into_iter().for_each(|note| self.add(note));
    }

    /// All of them, as they came.
    pub fn iter(&self) -> impl Iterator<Item = &Note> {
        self.0.iter()
    }
}

/// How far a file is read and recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes of the file were read for that.
    pub bytes: i64,
    /// What became of the rows, from the first on. Whoever goes on leaves out as many as were read.
    pub counts: RowCounts,
    /// What should be known of them.
    pub notes: Notes,
}

/// Why a whole file was refused, or could not be read on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// The kind of fault, for programs.
    pub code: String,
    /// The line at fault, from 1.
    pub line: Option<u64>,
    /// The column at fault.
    pub column: Option<String>,
    /// What is wrong, for people.
    pub message: String,
}

/// A file that was uploaded, and what becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportJob {
    /// Which.
    pub id: ImportJobId,
    /// Who uploaded it: [`crate::access::Actor::name`]. Its figures are recorded by them, with what they may do then.
    pub owner: String,
    /// What the file is called.
    pub name: String,
    /// How it is to be read, as whoever reads it wrote that down.
    pub settings: String,
    /// Whether nothing of it is kept.
    pub dry_run: bool,
    /// How far it is.
    pub state: ImportJobState,
    /// How large the file is, bytes; 0 while it is coming in.
    pub bytes: i64,
    /// How far it is recorded.
    pub progress: Progress,
    /// Why it failed.
    pub failure: Option<JobFailure>,
    /// Whether somebody wants it to stop.
    pub stopping: bool,
    /// When its upload began.
    pub created_at: DateTime<Utc>,
    /// When it was taken up first.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
    /// How often it was taken up since it last came further.
    pub takeovers: i32,
}

impl ImportJob {
    /// Rows a second since it was taken up, waiting for another replica included; nothing before.
    pub fn rate(&self, now: DateTime<Utc>) -> Option<f64> {
        let until = self.finished_at.unwrap_or(now);
        let seconds = (until - self.started_at?).as_seconds_f64();
        // Counts of rows are far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let rows = self.progress.counts.read as f64;
        (seconds > 0.0).then(|| rows / seconds)
    }
}

/// A row that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReject {
    /// The line that it begins at, from 1.
    pub line: i64,
    /// The column at fault.
    pub column: String,
    /// The kind of rule that it breaks, for programs.
    pub code: String,
    /// What is wrong with it, for people.
    pub message: String,
    /// The row as it stands in the file, as far as it is kept.
    pub row: Arc<str>,
}

/// What jobs are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ImportJobSort {
    /// When they were created.
    #[default]
    CreatedAt,
}

impl SortKey for ImportJobSort {
    fn name(self) -> &'static str {
        "import_job.created_at"
    }
}

/// What jobs are narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportJobFilter {
    /// In one of these states.
    pub states: Option<Vec<ImportJobState>>,
}

impl ImportJob {
    /// The job's place in a list in this order. Ids are given in the order of time.
    pub fn cursor(&self, order: Order<ImportJobSort>) -> Cursor {
        Cursor { order: order.tag(), value: CursorValue::Missing(()), id: self.id.0 }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn notes_are_told_once_and_bounded() {
        let note = |message: &str, line| Note { kind: NoteKind::Adjusted, message: message.into(), count: 2, line };
        let mut notes = Notes::default();
        notes.add(note("a", Some(7)));
        notes.add(note("a", Some(3)));
        notes.add(note("a", None));
        assert_eq!(notes.iter().collect::<Vec<_>>(), [&Note { count: 6, ..note("a", Some(3)) }]);
        for number in 0..2 * MOST_NOTES {
            notes.add(note(&number.to_string(), None));
        }
        let (kept, last) = (notes.iter().count(), notes.iter().last().unwrap());
        assert_eq!((kept, last.kind, last.count), (MOST_NOTES + 1, NoteKind::Notice, MOST_NOTES as u64 + 1));
    }

    fn job() -> ImportJob {
        ImportJob {
            id: ImportJobId(Uuid::nil()),
            owner: "account:1".into(),
            name: "f.csv".into(),
            settings: "{}".into(),
            dry_run: false,
            state: ImportJobState::Running,
            bytes: 10,
            progress: Progress::default(),
            failure: None,
            stopping: false,
            created_at: DateTime::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
            takeovers: 0,
        }
    }

    #[test]
    fn a_rate_is_of_the_time_since_it_was_taken_up() {
        let mut job = job();
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(10);
        assert_eq!(job.rate(now), None);
        job.started_at = Some(DateTime::UNIX_EPOCH);
        job.progress.counts.read = 50;
        assert_eq!(job.rate(now), Some(5.0));
        job.finished_at = Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(5));
        assert_eq!(job.rate(now), Some(10.0));
        job.finished_at = Some(DateTime::UNIX_EPOCH);
        assert_eq!(job.rate(now), None, "over at once");
    }

    #[test]
    fn counts_balance() {
        let mut counts = RowCounts { read: 3, created: 1, updated: 1, unchanged: 0, received: 0, rejected: 1 };
        assert!(counts.balance());
        counts.add(&RowCounts { read: 1, ..RowCounts::default() });
        assert!(!counts.balance());
        assert_eq!(counts.to_string(), "4 read, 1 created, 1 updated, 0 unchanged, 1 rejected");
    }
}
