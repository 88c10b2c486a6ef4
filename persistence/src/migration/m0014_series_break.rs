//! Declared breaks of series, with their bridges.

use sea_orm_migration::prelude::*;

use super::{m0001_records::RECORD, written_for};

const STATEMENTS: &[&str] = &[
    "CREATE TABLE series_break ({record},
    community_id {uuid} NOT NULL REFERENCES community (id),
    indicator_id {uuid} NOT NULL REFERENCES indicator (id),
    source_id {uuid} REFERENCES source (id),
    starts_on {date} NOT NULL,
    reason {code} NOT NULL,
    note {json},
    bridge {json})",
    "CREATE INDEX series_break_place ON series_break (community_id, indicator_id)",
];

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in STATEMENTS {
            let statement = statement.replace("{record}", RECORD);
            db.execute_unprepared(&written_for(manager.get_database_backend(), &statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE series_break").await.map(drop)
    }
}
