//! Learnings may have the same slug: that one was refused told whoever tried it of learnings that they may not read.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, Statement},
};

/// The constraint as it stands in the definition of the table.
const UNIQUE: &str = " CONSTRAINT learning_slug UNIQUE";
/// What the slug is declared as, with it and without it, on `SQLite`.
const SLUG: &str = "slug text NOT NULL";

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared("ALTER TABLE learning DROP CONSTRAINT learning_slug").await?;
        } else {
            rebuild(db, &format!("{SLUG}{UNIQUE}"), SLUG).await?;
        }
        db.execute_unprepared("CREATE INDEX learning_slug ON learning (slug)").await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("DROP INDEX learning_slug").await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared("ALTER TABLE learning ADD CONSTRAINT learning_slug UNIQUE (slug)").await.map(drop)
        } else {
            rebuild(db, SLUG, &format!("{SLUG}{UNIQUE}")).await
        }
    }
}

/// `SQLite` takes no constraint away from a table: it is made anew with another definition, and everything in it kept.
async fn rebuild(db: &SchemaManagerConnection<'_>, from: &str, to: &str) -> Result<(), DbErr> {
    let table = texts(db, "type = 'table'").await?.pop().unwrap_or_default();
    let indexes = texts(db, "type = 'index' AND sql IS NOT NULL").await?;
    if !table.contains(from) {
        return Err(DbErr::Migration(format!("the table of learnings has no “{from}”")));
    }
    // Rows of other tables refer to it; that they still do is checked when the transaction ends.
    db.execute_unprepared("PRAGMA defer_foreign_keys = ON").await?;
    db.execute_unprepared("CREATE TABLE learning_kept AS SELECT * FROM learning").await?;
    db.execute_unprepared("DROP TABLE learning").await?;
    db.execute_unprepared(&table.replacen(from, to, 1)).await?;
    db.execute_unprepared("INSERT INTO learning SELECT * FROM learning_kept").await?;
    db.execute_unprepared("DROP TABLE learning_kept").await?;
    for index in indexes {
        db.execute_unprepared(&index).await?;
    }
    Ok(())
}

/// The definitions of the table of learnings, or of its indexes.
async fn texts(db: &SchemaManagerConnection<'_>, what: &str) -> Result<Vec<String>, DbErr> {
    let text = format!("SELECT sql FROM sqlite_master WHERE tbl_name = 'learning' AND {what}");
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, text)).await?;
    rows.iter().map(|row| row.try_get("", "sql")).collect()
}
