//! How tables of sources are read, with every version of it.

use sea_orm_migration::prelude::*;

use super::written_for;

const STATEMENTS: &[&str] = &[
    "CREATE TABLE mapping (
    id {uuid} NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    created_at {time} NOT NULL,
    created_by text NOT NULL,
    updated_at {time} NOT NULL,
    updated_by text NOT NULL,
    archived_at {time},
    key {code} NOT NULL CONSTRAINT mapping_key UNIQUE,
    source_id {uuid} NOT NULL REFERENCES source (id),
    number integer NOT NULL,
    content {json} NOT NULL)",
    "CREATE INDEX mapping_source ON mapping (source_id)",
    "CREATE INDEX mapping_created ON mapping (created_at, id)",
    "CREATE TABLE mapping_version (
    mapping_id {uuid} NOT NULL REFERENCES mapping (id),
    number integer NOT NULL,
    content {json} NOT NULL,
    since {time} NOT NULL,
    PRIMARY KEY (mapping_id, number))",
];

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
        let db = manager.get_connection();
        for table in ["mapping_version", "mapping"] {
            db.execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}
