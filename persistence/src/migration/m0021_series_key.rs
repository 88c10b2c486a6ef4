//! The key of a series holds its identifier on PostgreSQL, too: whoever pushes figures finds it without looking at the series itself.
//! `SQLite` has no such indexes.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager};

#[derive(sea_orm_migration::prelude::DeriveMigrationName)]
pub(super) struct Migration;

async fn rebuild(manager: &SchemaManager<'_>, with: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let text = format!(
        "ALTER TABLE series DROP CONSTRAINT series_key, ADD CONSTRAINT series_key \
         UNIQUE (community_id, indicator_version_id, source_id, disaggregation) {with}"
    );
    manager.get_connection().execute_unprepared(&text).await.map(drop)
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild(manager, "INCLUDE (id)").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild(manager, "").await
    }
}
