//! PostgreSQL keeps observations in spans of ten years, so that a new period of every series touches the pages of one span
//! alone, while the years that people read lie in few. `tests/bench/partitions` compares widths; `docs/benchmarks.md` has the
//! figures. SQLite has one clustered table, which knows no partitions.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// The first years of the spans; what is older, and what is later than the last, have one each.
const DECADES: [i32; 5] = [2000, 2010, 2020, 2030, 2040];

const KEY: &str = "PRIMARY KEY (series_id, period_end, period_start, period_kind, revision)";
const BREAKS: &str = "CREATE INDEX observation_break ON observation (series_id, period_end) WHERE status = 'B' AND superseded_at IS NULL";

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Puts all observations into a new table that is kept in this way.
async fn rebuild(db: &SchemaManagerConnection<'_>, kept: &str, partitions: &[String]) -> Result<(), DbErr> {
    for statement in [
        "ALTER TABLE observation RENAME TO observation_old",
        "ALTER INDEX observation_pkey RENAME TO observation_old_pkey",
        "DROP INDEX observation_break",
    ] {
        db.execute_unprepared(statement).await?;
    }
    // Defaults and conditions of columns come with it.
    let create =
        format!("CREATE TABLE observation (LIKE observation_old INCLUDING ALL EXCLUDING INDEXES, {KEY}) {kept}");
    db.execute_unprepared(&create).await?;
    for partition in partitions {
        db.execute_unprepared(partition).await?;
    }
    for statement in ["INSERT INTO observation SELECT * FROM observation_old", "DROP TABLE observation_old", BREAKS] {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}

fn partition(name: &str, from: Option<i32>, to: Option<i32>) -> String {
    // Periods end before the day of their end: a year that ends with the first of January belongs to its months.
    let bound = |year: Option<i32>, open: &str| year.map_or_else(|| open.to_owned(), |year| format!("'{year}-01-02'"));
    let (from, to) = (bound(from, "MINVALUE"), bound(to, "MAXVALUE"));
    format!("CREATE TABLE observation_{name} PARTITION OF observation FOR VALUES FROM ({from}) TO ({to})")
}

fn partitions() -> Vec<String> {
    let ends = DECADES.iter().skip(1).copied().map(Some).chain([None]);
    let decades = DECADES.iter().zip(ends).map(|(&from, to)| partition(&from.to_string(), Some(from), to));
    let oldest = partition("oldest", None, DECADES.first().copied());
    std::iter::once(oldest).chain(decades).collect()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        rebuild(manager.get_connection(), "PARTITION BY RANGE (period_end)", &partitions()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        rebuild(manager.get_connection(), "", &[]).await
    }
}
