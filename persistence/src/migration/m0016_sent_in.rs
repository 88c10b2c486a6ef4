//! Who had sent in what somebody else published: they are told that they say the same again, others may not be (see
//! [`domain::pending::Sender`]).

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("ALTER TABLE observation ADD COLUMN sent_in_by text").await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("ALTER TABLE observation DROP COLUMN sent_in_by").await.map(drop)
    }
}
