//! Versioned migrations: each is applied once, in order, and never changes after it has been released.

mod m0001_records;
mod m0002_figures;
mod m0003_audit;
mod m0004_access;
mod m0005_ingest;
mod m0006_import_jobs;
mod m0007_learning_slug;
mod m0010_mappings;
mod m0011_pending;
mod m0012_retraction;
mod m0013_period_lock;
mod m0014_series_break;
mod m0015_partitions;
mod m0016_sent_in;
mod m0017_foreign_sign_out;
mod m0018_import_takeovers;
mod m0019_import_notes;
mod m0020_series_break_versions;
mod m0021_series_key;

use domain::{Error, Result};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, TransactionTrait as _};
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

use crate::error::database;

/// What every record has.
const RECORD: &str = "
    id {uuid} NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    created_at {time} NOT NULL,
    created_by text NOT NULL,
    updated_at {time} NOT NULL,
    updated_by text NOT NULL,
    archived_at {time}";

/// A migration of which every step is a statement, each way, the same on both databases but for the words that [`written_for`] puts in.
struct Statements {
    /// As the database keeps it.
    name: &'static str,
    up: &'static [&'static str],
    down: &'static [&'static str],
}

impl MigrationName for Statements {
    fn name(&self) -> &str {
        self.name
    }
}

impl Statements {
    async fn run(statements: &[&str], manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        for statement in statements {
            let statement = written_for(manager.get_database_backend(), &statement.replace("{record}", RECORD));
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Statements {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Self::run(self.up, manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Self::run(self.down, manager).await
    }
}

/// The migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_records::MIGRATION),
            Box::new(m0002_figures::Migration),
            Box::new(m0003_audit::Migration),
            Box::new(m0004_access::MIGRATION),
            Box::new(m0005_ingest::MIGRATION),
            Box::new(m0006_import_jobs::MIGRATION),
            Box::new(m0007_learning_slug::Migration),
            Box::new(m0010_mappings::MIGRATION),
            Box::new(m0011_pending::MIGRATION),
            Box::new(m0012_retraction::MIGRATION),
            Box::new(m0013_period_lock::MIGRATION),
            Box::new(m0014_series_break::MIGRATION),
            Box::new(m0015_partitions::Migration),
            Box::new(m0016_sent_in::MIGRATION),
            Box::new(m0017_foreign_sign_out::MIGRATION),
            Box::new(m0018_import_takeovers::MIGRATION),
            Box::new(m0019_import_notes::MIGRATION),
            Box::new(m0020_series_break_versions::MIGRATION),
            Box::new(m0021_series_key::Migration),
        ]
    }
}

/// Any number, as long as nobody else on the same database takes an advisory lock of the same.
const LOCK: i64 = 0x0063_6f6e_6365_7274;

/// Applies what is missing, all of it or nothing, and answers the names. Replicas that start side by side wait for each
/// other: on PostgreSQL by an advisory lock, on SQLite because the transaction writes.
pub async fn migrate(db: &DatabaseConnection) -> Result<Vec<String>> {
    let work = crate::store::begin(db).await?;
    if work.get_database_backend() == DbBackend::Postgres {
        work.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await.map_err(database)?;
        // A migration may well take longer than any request is allowed to.
        work.execute_unprepared("SET LOCAL statement_timeout = 0").await.map_err(database)?;
    }
    let pending = Migrator::get_pending_migrations(&work).await.map_err(database)?;
    let names: Vec<String> = pending.iter().map(|migration| migration.name().to_owned()).collect();
    if !names.is_empty() {
        // Within the transaction already open: SeaORM takes a savepoint of it.
        let inner = work.begin().await.map_err(database)?;
        Migrator::up(&inner, None).await.map_err(Error::internal)?;
        inner.commit().await.map_err(database)?;
    }
    work.commit().await.map_err(database)?;
    Ok(names)
}

/// A statement with the words of this database for the types that the two name differently.
pub(crate) fn written_for(backend: DbBackend, statement: &str) -> String {
    let postgres = backend == DbBackend::Postgres;
    let words = [
        ("{uuid}", "uuid", "uuid_text"),
        ("{date}", "date", "date_text"),
        ("{time}", "timestamp with time zone", "timestamp_with_timezone_text"),
        ("{bytes}", "bytea", "blob"),
        ("{double}", "double precision", "double"),
        ("{json}", "jsonb", "json_text"),
        // SQLite puts missing values first anyway, and takes no word about it.
        ("{nulls_first}", "NULLS FIRST", ""),
        ("{serial}", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "integer PRIMARY KEY AUTOINCREMENT"),
        // Codes and keys are ordered and compared byte by byte on both.
        ("{code}", "text COLLATE \"C\"", "text"),
    ];
    let put = |text: String, (name, on_postgres, on_sqlite): (&str, &str, &str)| {
        text.replace(name, if postgres { on_postgres } else { on_sqlite })
    };
    words.into_iter().fold(statement.to_owned(), put)
}
