//! Locks on periods, and why figures of locked periods were changed all the same.

use sea_orm_migration::prelude::*;

use super::{m0001_records::RECORD, written_for};

const STATEMENTS: &[&str] = &[
    "CREATE TABLE period_lock ({record},
    community_id {uuid} REFERENCES community (id),
    network_id {uuid} REFERENCES network (id),
    indicator_id {uuid} REFERENCES indicator (id),
    until {date} NOT NULL,
    reason {json} NOT NULL,
    lifted {json})",
    "CREATE INDEX period_lock_community ON period_lock (community_id) WHERE community_id IS NOT NULL",
    "CREATE INDEX period_lock_network ON period_lock (network_id) WHERE network_id IS NOT NULL",
    "ALTER TABLE observation ADD COLUMN restatement text",
    "ALTER TABLE latest_observation ADD COLUMN restatement text",
    "ALTER TABLE pending_observation ADD COLUMN restatement text",
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
        let db = manager.get_connection();
        for statement in [
            "DROP TABLE period_lock",
            "ALTER TABLE pending_observation DROP COLUMN restatement",
            "ALTER TABLE latest_observation DROP COLUMN restatement",
            "ALTER TABLE observation DROP COLUMN restatement",
        ] {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
