//! Keeping PostgreSQL's planner from believing that a table is empty while this transaction fills it.
//!
//! Statistics count what others have committed. Where an import was undone, or a dry run left nothing but dead rows, they
//! say that thousands of pages hold nothing, and the planner then joins by reading all of them for every row: statements
//! that take milliseconds take minutes. Nobody else can count the rows of this transaction; it can itself.

use domain::Result;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::{error::database, row::Row};

/// Rows written at once below which a bad plan costs less than looking for one.
const FEW: usize = 500;

/// The tables that recording joins with, as far as the planner expects fewer than a quarter of the rows that this very
/// transaction has put there. It expects as many rows on each page as there were when they were last counted.
const MISJUDGED: &str = "SELECT c.oid::regclass::text FROM pg_class c \
     WHERE (c.oid IN ('series'::regclass, 'observation'::regclass, 'latest_observation'::regclass) \
     OR c.oid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'observation'::regclass)) \
     AND c.relpages > 0 AND c.reltuples >= 0 \
     AND pg_stat_get_xact_tuples_inserted(c.oid) > 4 * c.reltuples / c.relpages \
     * (pg_relation_size(c.oid) / current_setting('block_size')::integer)";

/// Has the rows of tables counted again that hold far more than the planner believes, once `written` rows were added.
/// Whoever else is counting the same table already is not waited for.
pub(super) async fn refresh<C: ConnectionTrait>(db: &C, written: usize) -> Result<()> {
    if written < FEW || db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let statement = Statement::from_string(DbBackend::Postgres, MISJUDGED);
    let rows = db.query_all_raw(statement).await.map_err(database)?;
    let names = rows.iter().map(|row| Row::new(row)?.take()).collect::<Result<Vec<String>>>()?;
    if names.is_empty() {
        return Ok(());
    }
    let text = format!("ANALYZE (SKIP_LOCKED) {}", names.join(", "));
    db.execute_unprepared(&text).await.map_err(database).map(drop)
}

/// The ways of joining that read a whole table, once or for every row.
const WHOLE: [&str; 4] = ["enable_seqscan", "enable_material", "enable_hashjoin", "enable_mergejoin"];

/// Has PostgreSQL join row by row, through the index, until it is told not to: for statements in which few rows meet a large table by its
/// key, and that cannot say so themselves as [`crate::sql::Sql::beside`] does. A plan that was made while that table was small may be kept
/// for as long as the connection, and would read all of it for every batch. Not for statements with conditions that it has to guess
/// at: where it expects few of the table's rows, it would go through all rows that it is given for each of them.
pub(super) async fn join_by_index<C: ConnectionTrait>(db: &C, only: bool) -> Result<()> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let others = if only { "off" } else { "on" };
    let text = WHOLE.map(|way| format!("SET LOCAL {way} = {others}")).join("; ");
    db.execute_unprepared(&text).await.map_err(database).map(drop)
}
