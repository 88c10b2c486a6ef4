//! Pushing figures: the keys by which a repeated push is known again.

use sea_orm_migration::prelude::*;

use super::written_for;

const STATEMENTS: &[&str] = &["CREATE TABLE push_key (
    owner {code} NOT NULL,
    key text NOT NULL,
    digest {bytes} NOT NULL,
    answer text,
    at {time} NOT NULL,
    PRIMARY KEY (owner, key))"];

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in STATEMENTS {
            db.execute_unprepared(&written_for(manager.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE push_key").await.map(drop)
    }
}
