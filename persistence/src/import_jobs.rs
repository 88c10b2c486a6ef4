//! Import jobs with the files that they read.

// A method's path fixes the lifetime of the row, which is another for every call.
#![allow(clippy::redundant_closure_for_method_calls)]

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Error, Result,
    import_job::{
        ImportJob, ImportJobFilter, ImportJobId, ImportJobSort, ImportJobState, JobFailure, KeptReject, Progress,
        RowCounts,
    },
    page::{Direction, ListQuery, Page},
    port::import_jobs::{ImportJobs, Lease},
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::{repo::Repos, row::Row, sql::Sql};

/// The columns of a job, in the order in which [`read`] reads them.
const COLUMNS: &str = "id, owner, name, settings, dry_run, state, bytes, read_bytes, rows_read, created, updated, unchanged, \
                       received, rejected, notes, failure, stopping, created_at, started_at, finished_at, takeovers";
/// A job that is still its holder's, whom nobody has asked to stop.
const HELD: &str = "state = 'RUNNING' AND NOT stopping";

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A text as it can be kept: PostgreSQL keeps no byte 0 in one.
fn kept(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn read(row: &mut Row<'_>) -> Result<ImportJob> {
    fn count(row: &mut Row<'_>) -> Result<u64> {
        u64::try_from(row.take::<i64>()?).map_err(Error::internal)
    }
    Ok(ImportJob {
        id: ImportJobId(row.id()?),
        owner: row.take()?,
        name: row.take()?,
        settings: row.take()?,
        dry_run: row.take()?,
        state: row.parse()?,
        bytes: row.take()?,
        progress: Progress {
            bytes: row.take()?,
            counts: RowCounts {
                read: count(row)?,
                created: count(row)?,
                updated: count(row)?,
                unchanged: count(row)?,
                received: count(row)?,
                rejected: count(row)?,
            },
            notes: row.optional_json()?.unwrap_or_default(),
        },
        failure: row.optional_json::<JobFailure>()?,
        stopping: row.take()?,
        created_at: row.take()?,
        started_at: row.take()?,
        finished_at: row.take()?,
        takeovers: row.take()?,
    })
}

impl<C: ConnectionTrait> Repos<C> {
    async fn jobs(&self, sql: Sql, rest: &str) -> Result<Vec<ImportJob>> {
        let rows = self.query(sql.statement(format!("SELECT {COLUMNS} FROM import_job {rest}"))).await?;
        rows.iter().map(|row| read(&mut Row::new(row)?)).collect()
    }

    /// The file of a job that is over: nobody reads it any more.
    async fn remove_file(&self, id: ImportJobId) -> Result<()> {
        let mut sql = self.sql();
        let id = sql.bind(id.0);
        self.run(sql.statement(format!("DELETE FROM import_piece WHERE job_id = {id}"))).await.map(drop)
    }
}

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> ImportJobs for Repos<C> {
    async fn open(&self, job: &ImportJob) -> Result<()> {
        let mut sql = self.sql();
        let values = [
            sql.bind(job.id.0),
            sql.bind(job.owner.as_str()),
            sql.bind(job.name.as_str()),
            sql.bind(job.settings.as_str()),
            sql.bind(job.dry_run),
            sql.bind(job.state.code()),
            sql.bind(job.created_at),
        ];
        let [id, owner, name, settings, dry_run, state, created_at] = values;
        let text = format!(
            "INSERT INTO import_job ({COLUMNS}) VALUES ({id}, {owner}, {name}, {settings}, {dry_run}, {state}, 0, 0, 0, 0, 0, 0, 0, 0, \
             NULL, NULL, FALSE, {created_at}, NULL, NULL, 0)"
        );
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn get(&self, id: ImportJobId) -> Result<Option<ImportJob>> {
        let mut sql = self.sql();
        let id = sql.bind(id.0);
        Ok(self.jobs(sql, &format!("WHERE id = {id}")).await?.pop())
    }

    async fn list(
        &self,
        owner: Option<&str>,
        query: &ListQuery<ImportJobFilter, ImportJobSort>,
    ) -> Result<Page<ImportJob>> {
        let begun = || {
            let mut sql = self.sql();
            let mut all = vec!["TRUE".to_owned()];
            all.extend(owner.map(|owner| format!("owner = {}", sql.bind(owner))));
            if let Some(states) = &query.filter.states {
                // Codes of ours: nothing to escape.
                let states: Vec<_> = states.iter().map(|state| format!("'{}'", state.code())).collect();
                all.push(if states.is_empty() { "FALSE".into() } else { format!("state IN ({})", states.join(", ")) });
            }
            (sql, all)
        };
        let total = if query.count {
            let (sql, all) = begun();
            let text = format!("SELECT count(*) FROM import_job WHERE {}", all.join(" AND "));
            let rows = self.query(sql.statement(text)).await?;
            let row = rows.first().ok_or_else(|| Error::internal("a count without a row"))?;
            Some(u64::try_from(Row::new(row)?.take::<i64>()?).map_err(Error::internal)?)
        } else {
            None
        };
        let ascending = query.order.direction == Direction::Ascending;
        let (mut sql, mut all) = begun();
        let ends = [(query.page.after.as_ref(), ascending), (query.page.before.as_ref(), !ascending)];
        for (cursor, larger) in ends {
            if let Some(cursor) = cursor {
                all.push(format!("id {} {}", if larger { ">" } else { "<" }, sql.bind(cursor.id)));
            }
        }
        // Seen from the side that the page is counted from.
        let way = if ascending == query.page.from_end { "DESC" } else { "ASC" };
        let rest = format!("WHERE {} ORDER BY id {way} LIMIT {}", all.join(" AND "), query.page.size + 1);
        let jobs = self.jobs(sql, &rest).await?;
        let fetched = jobs.into_iter().map(|job| (job.cursor(query.order), job)).collect();
        Ok(Page::from_fetched(fetched, &query.page, total))
    }

    async fn waiting(&self, owner: &str) -> Result<u64> {
        let mut sql = self.sql();
        let owner = sql.bind(owner);
        let text = format!(
            "SELECT count(*) FROM import_job WHERE owner = {owner} AND state IN ('UPLOADING', 'QUEUED', 'RUNNING')"
        );
        let rows = self.query(sql.statement(text)).await?;
        let row = rows.first().ok_or_else(|| Error::internal("a count without a row"))?;
        u64::try_from(Row::new(row)?.take::<i64>()?).map_err(Error::internal)
    }

    async fn keep_piece(&self, id: ImportJobId, number: i32, bytes: &[u8], at: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let values = [sql.bind(id.0), sql.bind(number), sql.bind(bytes.to_vec()), sql.bind(at)].join(", ");
        let text = format!("INSERT INTO import_piece (job_id, number, bytes, kept_at) VALUES ({values})");
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn piece(&self, id: ImportJobId, number: i32) -> Result<Option<Vec<u8>>> {
        let mut sql = self.sql();
        let (id, number) = (sql.bind(id.0), sql.bind(number));
        let text = format!("SELECT bytes FROM import_piece WHERE job_id = {id} AND number = {number}");
        let rows = self.query(sql.statement(text)).await?;
        rows.first().map(|row| Row::new(row)?.take()).transpose()
    }

    async fn queue(&self, id: ImportJobId, bytes: i64, at: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (bytes, at, key) = (sql.bind(bytes), sql.bind(at), sql.bind(id.0));
        let text = format!(
            "UPDATE import_job SET state = CASE WHEN stopping THEN 'CANCELLED' ELSE 'QUEUED' END, bytes = {bytes}, \
             finished_at = CASE WHEN stopping THEN {at} END WHERE id = {key} AND state = 'UPLOADING' RETURNING stopping"
        );
        let rows = self.query(sql.statement(text)).await?;
        let row = rows.first().ok_or(Error::NotFound { noun: "ImportJob", key: "id" })?;
        if Row::new(row)?.take()? { self.remove_file(id).await } else { Ok(()) }
    }

    async fn forget(&self, id: ImportJobId) -> Result<()> {
        for (table, key) in [("import_piece", "job_id"), ("import_reject", "job_id"), ("import_job", "id")] {
            let mut sql = self.sql();
            let id = sql.bind(id.0);
            self.run(sql.statement(format!("DELETE FROM {table} WHERE {key} = {id}"))).await?;
        }
        Ok(())
    }

    async fn claim(&self, holder: Uuid, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<ImportJob>> {
        let mut sql = self.sql();
        let (holder, until) = (sql.bind(holder), sql.bind(until));
        let (now, late) = (sql.bind(now), sql.bind(now));
        // Whoever else is taking up the same one just now is not waited for; SQLite has one writer at a time.
        let skip = if sql.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
        let text = format!(
            "UPDATE import_job SET state = 'RUNNING', holder = {holder}, held_until = {until}, \
             started_at = coalesce(started_at, {now}), takeovers = takeovers + 1 WHERE id = (SELECT w.id FROM import_job w \
             WHERE w.state IN ('QUEUED', 'RUNNING') AND (w.held_until IS NULL OR w.held_until <= {late}) \
             ORDER BY w.id LIMIT 1 {skip}) RETURNING {COLUMNS}"
        );
        let rows = self.query(sql.statement(text)).await?;
        rows.first().map(|row| read(&mut Row::new(row)?)).transpose()
    }

    async fn hold(&self, lease: Lease, until: DateTime<Utc>) -> Result<bool> {
        let mut sql = self.sql();
        let (until, id, holder) = (sql.bind(until), sql.bind(lease.job.0), sql.bind(lease.holder));
        let text =
            format!("UPDATE import_job SET held_until = {until} WHERE id = {id} AND holder = {holder} AND {HELD}");
        Ok(self.run(sql.statement(text)).await? == 1)
    }

    async fn leave(&self, lease: Lease, now: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (now, id, holder) = (sql.bind(now), sql.bind(lease.job.0), sql.bind(lease.holder));
        let text = format!(
            "UPDATE import_job SET held_until = {now}, takeovers = CASE WHEN takeovers > 0 THEN takeovers - 1 ELSE 0 END \
             WHERE id = {id} AND holder = {holder} AND {HELD}"
        );
        self.run(sql.statement(text)).await.map(drop)
    }

    async fn advance(&self, lease: Lease, progress: &Progress, until: DateTime<Utc>) -> Result<bool> {
        let mut sql = self.sql();
        let counts = &progress.counts;
        let columns = [
            ("read_bytes", progress.bytes),
            ("rows_read", whole(counts.read)),
            ("created", whole(counts.created)),
            ("updated", whole(counts.updated)),
            ("unchanged", whole(counts.unchanged)),
            ("received", whole(counts.received)),
            ("rejected", whole(counts.rejected)),
        ];
        let mut set: Vec<_> = columns.iter().map(|(name, value)| format!("{name} = {}", sql.bind(*value))).collect();
        set.push(format!("takeovers = 0, held_until = {}", sql.bind(until)));
        let notes = serde_json::to_value(&progress.notes).map_err(Error::internal)?;
        set.push(format!("notes = {}", sql.bind(notes)));
        let (id, holder) = (sql.bind(lease.job.0), sql.bind(lease.holder));
        let text = format!("UPDATE import_job SET {} WHERE id = {id} AND holder = {holder} AND {HELD}", set.join(", "));
        Ok(self.run(sql.statement(text)).await? == 1)
    }

    async fn keep_rejects(&self, id: ImportJobId, first: u64, rejects: &[KeptReject]) -> Result<()> {
        const CHUNK: usize = 500;
        let mut number = whole(first);
        for chunk in rejects.chunks(CHUNK) {
            let mut sql = self.sql();
            let mut rows = Vec::with_capacity(chunk.len());
            for reject in chunk {
                let values = [
                    sql.bind(id.0),
                    sql.bind(number),
                    sql.bind(reject.line),
                    sql.bind(kept(&reject.column)),
                    sql.bind(reject.code.as_str()),
                    sql.bind(kept(&reject.message)),
                    sql.bind(kept(&reject.row)),
                ];
                rows.push(format!("({})", values.join(", ")));
                number += 1;
            }
            let text = format!(
                "INSERT INTO import_reject (job_id, number, line, field, code, message, content) VALUES {}",
                rows.join(", ")
            );
            self.run(sql.statement(text)).await?;
        }
        Ok(())
    }

    async fn rejects(&self, id: ImportJobId, from: u64, most: u64) -> Result<Vec<KeptReject>> {
        let mut sql = self.sql();
        let (id, from) = (sql.bind(id.0), sql.bind(whole(from)));
        let text = format!(
            "SELECT line, field, code, message, content FROM import_reject WHERE job_id = {id} AND number >= {from} \
             ORDER BY number LIMIT {most}"
        );
        let rows = self.query(sql.statement(text)).await?;
        rows.iter()
            .map(|row| {
                let mut row = Row::new(row)?;
                Ok(KeptReject {
                    line: row.take()?,
                    column: row.take()?,
                    code: row.take()?,
                    message: row.take()?,
                    row: row.take::<String>()?.into(),
                })
            })
            .collect()
    }

    async fn finish(
        &self,
        lease: Lease,
        state: ImportJobState,
        failure: Option<&JobFailure>,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let mut sql = self.sql();
        let failure = failure.map(serde_json::to_value).transpose().map_err(Error::internal)?;
        let (state, failure, at) = (sql.bind(state.code()), sql.bind(failure), sql.bind(at));
        let (id, holder) = (sql.bind(lease.job.0), sql.bind(lease.holder));
        let text = format!(
            "UPDATE import_job SET state = {state}, failure = {failure}, finished_at = {at}, held_until = NULL \
             WHERE id = {id} AND holder = {holder} AND state = 'RUNNING'"
        );
        if self.run(sql.statement(text)).await? != 1 {
            return Ok(false);
        }
        self.remove_file(lease.job).await?;
        Ok(true)
    }

    async fn stop(&self, id: ImportJobId, now: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let key = sql.bind(id.0);
        let text = format!(
            "UPDATE import_job SET stopping = TRUE WHERE id = {key} AND state IN ('UPLOADING', 'QUEUED', 'RUNNING')"
        );
        self.run(sql.statement(text)).await?;
        let mut sql = self.sql();
        let (at, late, key) = (sql.bind(now), sql.bind(now), sql.bind(id.0));
        let text = format!(
            "UPDATE import_job SET state = 'CANCELLED', finished_at = {at}, held_until = NULL WHERE id = {key} \
             AND (state = 'QUEUED' OR (state = 'RUNNING' AND (held_until IS NULL OR held_until <= {late})))"
        );
        if self.run(sql.statement(text)).await? == 1 {
            self.remove_file(id).await?;
        }
        Ok(())
    }

    async fn sweep(&self, rested: DateTime<Utc>, over: DateTime<Utc>) -> Result<()> {
        let mut sql = self.sql();
        let (begun, kept, over) = (sql.bind(rested), sql.bind(rested), sql.bind(over));
        let rest = format!(
            "j WHERE (j.state = 'UPLOADING' AND j.created_at <= {begun} AND NOT EXISTS (SELECT 1 FROM import_piece p \
             WHERE p.job_id = j.id AND p.kept_at > {kept})) OR j.finished_at <= {over} ORDER BY j.id LIMIT 100"
        );
        let columns = COLUMNS.split(", ").map(|name| format!("j.{name}")).collect::<Vec<_>>().join(", ");
        let rows = self.query(sql.statement(format!("SELECT {columns} FROM import_job {rest}"))).await?;
        for row in &rows {
            self.forget(read(&mut Row::new(row)?)?.id).await?;
        }
        Ok(())
    }
}
