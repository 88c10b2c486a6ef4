//! Observations and the rollup of newest values.
//!
//! No foreign keys: a recorder holds the rows of its series while it writes, series that others know of are never deleted,
//! and checking each of millions of rows again would cost as much as writing them.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use super::written_for;

/// The columns of a figure, alike in both tables. Widest first, so that PostgreSQL need not fill gaps between them.
const FIGURE: &str = "
    series_id {uuid} NOT NULL,
    recorded_at {time} NOT NULL,
    embargo_until {time},
    value {double},
    numerator {double},
    denominator {double},
    lower_limit {double},
    upper_limit {double},
    period_end {date} NOT NULL,
    period_start {date} NOT NULL,
    revision integer NOT NULL,
    period_kind {code} NOT NULL,
    status {code} NOT NULL,
    confidentiality {code} NOT NULL,
    recorded_by text NOT NULL,
    note text,
    external_id text";

/// The primary key puts the periods of a series side by side and its newest last; no other index is needed to read them.
const TABLES: [&str; 6] = [
    "CREATE TABLE observation ({figure},
    superseded_at {time},
    PRIMARY KEY (series_id, period_end, period_start, period_kind, revision)) {clustered}",
    "CREATE TABLE latest_observation ({figure},
    community_id {uuid} NOT NULL,
    indicator_id {uuid} NOT NULL,
    indicator_version_id {uuid} NOT NULL,
    source_id {uuid} NOT NULL,
    breakdown_id {uuid} NOT NULL,
    disaggregation {code} NOT NULL,
    PRIMARY KEY (series_id)) {updated}",
    // Figures behind which few persons stand, or stood before a revision. Its key is how readers ask: is any part of this
    // breakdown small in this period?
    "CREATE TABLE small_cell (
    breakdown_id {uuid} NOT NULL,
    series_id {uuid} NOT NULL,
    community_id {uuid} NOT NULL,
    source_id {uuid} NOT NULL,
    period_end {date} NOT NULL,
    period_start {date} NOT NULL,
    smallest integer,
    least integer NOT NULL,
    period_kind {code} NOT NULL,
    PRIMARY KEY (breakdown_id, period_end, period_start, period_kind, series_id)) {clustered}",
    "CREATE INDEX latest_observation_community ON latest_observation (community_id, indicator_id)",
    // Breaks of series are few, and every comparison looks for them.
    "CREATE INDEX observation_break ON observation (series_id, period_end) WHERE status = 'B' AND superseded_at IS NULL",
    // So are the communities whose figures the public may not read.
    "CREATE INDEX community_under_authority ON community (id) WHERE indigenous_data_authority IS NOT NULL",
];

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

fn of_figures(backend: DbBackend, statement: &str) -> String {
    let (clustered, updated) = match backend {
        // Room in each page lets a new value take the place of the old one without touching the index.
        DbBackend::Postgres => ("", "WITH (fillfactor = 80)"),
        _ => ("WITHOUT ROWID", "WITHOUT ROWID"),
    };
    let statement =
        statement.replace("{figure}", FIGURE).replace("{clustered}", clustered).replace("{updated}", updated);
    written_for(backend, &statement)
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in TABLES {
            db.execute_unprepared(&of_figures(manager.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in [
            "DROP INDEX community_under_authority",
            "DROP TABLE small_cell",
            "DROP TABLE latest_observation",
            "DROP TABLE observation",
        ] {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
