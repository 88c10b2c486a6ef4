//! Observations and the rollup of newest values.
//!
//! No foreign keys: a recorder holds the rows of its series while it writes, series are never deleted, and checking each
//! of millions of rows again would cost as much as writing them.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

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
    disaggregation text NOT NULL,
    PRIMARY KEY (series_id)) {updated}",
    "CREATE INDEX latest_observation_community ON latest_observation (community_id, indicator_id)",
    "CREATE INDEX latest_observation_indicator ON latest_observation (indicator_id, disaggregation)",
    // Breaks of series are few, and every comparison looks for them.
    "CREATE INDEX observation_break ON observation (series_id, period_end) WHERE status = 'B' AND superseded_at IS NULL",
    // So are the communities whose figures the public may not read.
    "CREATE INDEX community_under_authority ON community (id) WHERE indigenous_data_authority IS NOT NULL",
];

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

fn written_for(backend: DbBackend, statement: &str) -> String {
    let postgres = backend == DbBackend::Postgres;
    let words = [
        ("{figure}", FIGURE, FIGURE),
        ("{uuid}", "uuid", "uuid_text"),
        ("{date}", "date", "date_text"),
        ("{time}", "timestamp with time zone", "timestamp_with_timezone_text"),
        ("{double}", "double precision", "double"),
        // Codes are ordered and compared byte by byte on both.
        ("{code}", "text COLLATE \"C\"", "text"),
        ("{clustered}", "", "WITHOUT ROWID"),
        // Room in each page lets a new value take the place of the old one without touching the indexes.
        ("{updated}", "WITH (fillfactor = 80)", "WITHOUT ROWID"),
    ];
    let put = |text: String, (name, on_postgres, on_sqlite): (&str, &str, &str)| {
        text.replace(name, if postgres { on_postgres } else { on_sqlite })
    };
    words.into_iter().fold(statement.to_owned(), put)
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in TABLES {
            db.execute_unprepared(&written_for(manager.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in ["DROP INDEX community_under_authority", "DROP TABLE latest_observation", "DROP TABLE observation"] {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
