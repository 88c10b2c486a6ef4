//! Import jobs in the schema.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{error::Error, import_job as noun, page::Direction};

use super::{
    connection::{Connection, Listed, Paging},
    context::ContextExt as _,
    error::{IntoGraphql as _, UserError, user_errors},
    id,
    order::order,
    scalars::{DateTime, whole},
};

/// Rejected rows answered with a job at most.
pub const MOST_REJECTS: i32 = 100;

/// How far an import job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::ImportJobState")]
pub enum ImportJobState {
    /// Its file is still coming in.
    Uploading,
    /// It waits to be taken up.
    Queued,
    /// It is worked on, or was, and will be gone on with.
    Running,
    /// The file was read to its end: every row is recorded, or rejected for a reason.
    Succeeded,
    /// It could not go on. What was recorded before stays recorded, as its counts say.
    Failed,
    /// Somebody stopped it. What was recorded before stays recorded, as its counts say.
    Cancelled,
}

/// How many rows of a file were read, and what became of them. `read` is the sum of the others.
#[derive(Debug, Clone, SimpleObject)]
pub struct ImportCounts {
    /// Rows read: neither the header nor blank lines.
    pub read: f64,
    /// Figures that were not known before.
    pub created: f64,
    /// New revisions of figures.
    pub updated: f64,
    /// Rows that say what is known already.
    pub unchanged: f64,
    /// Figures that wait until a steward publishes them.
    pub received: f64,
    /// Rows that were not kept.
    pub rejected: f64,
}

/// Why a file was refused, or could not be read on.
#[derive(Debug, Clone, SimpleObject)]
pub struct ImportFailure {
    /// The kind of fault, for programs: `TRUNCATED`, `MISSING_COLUMN`, `FORBIDDEN`, …
    pub code: String,
    /// The line at fault, from 1.
    pub line: Option<i32>,
    /// The column at fault.
    pub column: Option<String>,
    /// What is wrong, for people.
    pub message: String,
}

/// What a note on an import tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::NoteKind")]
pub enum ImportNoteKind {
    /// Rows were read as something that they do not literally say, by a rule of the format or of the mapping.
    Adjusted,
    /// Something that the rows name was created on the way.
    Created,
    /// Figures were kept that a data-quality rule finds doubtful.
    Doubtful,
    /// What else should be known, such as columns that were not used.
    Notice,
}

/// Something that whoever sends a file should know though no row was rejected for it.
#[derive(Debug, Clone, SimpleObject)]
pub struct ImportNote {
    /// What it tells.
    pub kind: ImportNoteKind,
    /// What it is, for people.
    pub message: String,
    /// How many rows, or things, it is about.
    pub count: f64,
    /// The line of the first such row, from 1, where that is known.
    pub line: Option<i32>,
}

/// A row of a file that was not kept.
#[derive(Debug, Clone, SimpleObject)]
pub struct ImportReject {
    /// The line that it begins at, from 1; its number where lines mean nothing.
    pub line: i32,
    /// The column at fault; nothing for the row as a whole.
    pub column: Option<String>,
    /// The kind of rule that it breaks, for programs.
    pub code: String,
    /// What is wrong with it, for people.
    pub message: String,
    /// The row as it stands in the file; of one that is longer than 64 KiB the beginning, and that it was cut.
    pub row: String,
}

/// A file that was uploaded, and what becomes of it. Seen by whoever uploaded it, and by administrators.
pub struct ImportJob(pub noun::ImportJob);

impl Listed for ImportJob {
    const NAME: &'static str = "ImportJob";
}

/// A file that was uploaded, and what becomes of it. Seen by whoever uploaded it, and by administrators.
#[Object]
impl ImportJob {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode_import_job(self.0.id)
    }

    /// What the file is called, as whoever uploaded it said.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether you may stop it, as long as it is not over.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        ctx.services().may_cancel_import(ctx.actor(), &self.0)
    }

    /// How far it is.
    async fn state(&self) -> ImportJobState {
        self.0.state.into()
    }

    /// Whether nothing of it is kept: its counts say what would become of the rows.
    async fn dry_run(&self) -> bool {
        self.0.dry_run
    }

    /// How large the file is, bytes; 0 while it is coming in.
    async fn bytes(&self) -> f64 {
        whole(self.0.bytes)
    }

    /// How many bytes of it are read and recorded.
    async fn read_bytes(&self) -> f64 {
        whole(self.0.progress.bytes)
    }

    /// What became of the rows so far.
    async fn counts(&self) -> ImportCounts {
        let counts = &self.0.progress.counts;
        let count = |rows: u64| whole(i64::try_from(rows).unwrap_or(i64::MAX));
        ImportCounts {
            read: count(counts.read),
            created: count(counts.created),
            updated: count(counts.updated),
            unchanged: count(counts.unchanged),
            received: count(counts.received),
            rejected: count(counts.rejected),
        }
    }

    /// Rows read in a second, from when it was taken up; nothing before.
    async fn rows_per_second(&self, ctx: &Context<'_>) -> Option<f64> {
        self.0.rate(ctx.services().clock().now())
    }

    /// The first rows that were not kept, for whoever uploaded them; all of them are at `/imports/ID/rejects` for 30 days, of a dry run
    /// the first 10 000.
    async fn rejects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of them, 0 to 100.", default = 20)] first: i32,
    ) -> async_graphql::Result<Vec<ImportReject>> {
        let most = u64::try_from(first.min(MOST_REJECTS)).map_err(|_| {
            let message = format!("0 to {MOST_REJECTS}");
            Error::invalid("first", domain::error::ProblemCode::OutOfRange, message)
        });
        let rejects =
            ctx.services().import_rejects(ctx.actor(), &self.0, 0, most.into_graphql()?).await.into_graphql()?;
        Ok(rejects
            .into_iter()
            .map(|reject| ImportReject {
                line: i32::try_from(reject.line).unwrap_or(i32::MAX),
                column: Some(reject.column).filter(|column| !column.is_empty()),
                code: reject.code,
                message: reject.message,
                row: reject.row.to_string(),
            })
            .collect())
    }

    /// What should be known of it though no row was rejected for it, so far: at most 200 notes.
    async fn notes(&self) -> Vec<ImportNote> {
        let told = |note: &noun::Note| ImportNote {
            kind: note.kind.into(),
            message: note.message.clone(),
            count: whole(i64::try_from(note.count).unwrap_or(i64::MAX)),
            line: note.line.map(|line| i32::try_from(line).unwrap_or(i32::MAX)),
        };
        self.0.progress.notes.iter().map(told).collect()
    }

    /// Why it failed; nothing unless it did.
    async fn failure(&self) -> Option<ImportFailure> {
        let noun::JobFailure { code, line, column, message } = self.0.failure.clone()?;
        let line = line.map(|line| i32::try_from(line).unwrap_or(i32::MAX));
        Some(ImportFailure { code, line, column, message })
    }

    /// When its upload began.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was taken up first.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// When it was over.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(Into::into)
    }
}

/// What import jobs are narrowed by.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ImportJobFilter {
    /// In one of these states.
    pub states: Option<Vec<ImportJobState>>,
}

order! { "import jobs", ImportJobOrder, ImportJobOrderField, noun::ImportJobSort,
    /// When they were created.
    CreatedAt,
}

/// A part of the jobs that the reader may see; newest first unless told otherwise.
pub async fn import_jobs(
    ctx: &Context<'_>,
    paging: Paging,
    filter: Option<ImportJobFilter>,
    order: Option<ImportJobOrder>,
) -> async_graphql::Result<Connection<ImportJob>> {
    let newest = domain::page::Order { by: noun::ImportJobSort::CreatedAt, direction: Direction::Descending };
    let order = order.map_or(newest, Into::into);
    let states = filter.and_then(|filter| filter.states);
    let filter = noun::ImportJobFilter { states: states.map(|states| states.into_iter().map(Into::into).collect()) };
    let query = paging.query(ctx, filter, order, false).into_graphql()?;
    let page = ctx.services().import_jobs(ctx.actor(), &query).await.into_graphql()?;
    Ok(page.map(ImportJob).into())
}

/// The job with this id; nothing if the reader may not see it.
pub async fn import_job(ctx: &Context<'_>, id: noun::ImportJobId) -> async_graphql::Result<Option<ImportJob>> {
    Ok(ctx.services().import_job(ctx.actor(), id).await.into_graphql()?.map(ImportJob))
}

/// A job to stop.
#[derive(Debug, Clone, InputObject)]
pub struct ImportJobCancelInput {
    /// The job.
    pub id: ID,
}

/// What stopping a job answers.
#[derive(SimpleObject)]
pub struct ImportJobPayload {
    /// The job as it now stands; nothing if it was refused. It may take a moment until it has stopped.
    pub import_job: Option<ImportJob>,
    /// Why it was refused; empty if it was not.
    pub user_errors: Vec<UserError>,
}

/// Changes of import jobs.
#[derive(Default)]
pub struct ImportJobMutation;

/// Changes of import jobs.
#[Object]
impl ImportJobMutation {
    /// Stops an import. What it recorded stays; one that is over is answered as it is.
    async fn import_job_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The job to stop.")] input: ImportJobCancelInput,
    ) -> async_graphql::Result<ImportJobPayload> {
        let cancelled = match id::decode_import_job(&input.id) {
            Some(id) => ctx.services().cancel_import(ctx.actor(), id).await,
            None => Err(Error::NotFound { noun: "ImportJob", key: "id" }),
        };
        Ok(match cancelled {
            Ok(job) => ImportJobPayload { import_job: Some(ImportJob(job)), user_errors: Vec::new() },
            Err(error) => ImportJobPayload { import_job: None, user_errors: user_errors(error, "input")? },
        })
    }
}
