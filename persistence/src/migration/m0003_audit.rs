//! The audit log. No foreign keys: an entry outlives what it speaks of.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use super::written_for;

const TABLE: &[&str] = &[
    "CREATE TABLE audit_entry (
    place {serial},
    at {time} NOT NULL,
    actor text NOT NULL,
    actor_kind {code} NOT NULL,
    action {code} NOT NULL,
    object_kind {code},
    object_id {uuid},
    community_id {uuid},
    network_id {uuid},
    changes {json},
    request_id text,
    address text,
    detail text,
    CONSTRAINT audit_entry_object CHECK ((object_kind IS NULL) = (object_id IS NULL)))",
    "CREATE INDEX audit_entry_at ON audit_entry (at)",
    "CREATE INDEX audit_entry_actor ON audit_entry (actor, place)",
    "CREATE INDEX audit_entry_action ON audit_entry (action, place)",
    "CREATE INDEX audit_entry_object ON audit_entry (object_id, place) WHERE object_id IS NOT NULL",
    "CREATE INDEX audit_entry_community ON audit_entry (community_id, place) WHERE community_id IS NOT NULL",
    "CREATE INDEX audit_entry_network ON audit_entry (network_id, place) WHERE network_id IS NOT NULL",
];

/// For the statement and not for each row, so that one that would touch no row is refused too; ALWAYS, so that a session
/// that plays a replica is refused as well.
const ON_POSTGRES: &[&str] = &[
    "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$",
    "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()",
    "ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_append_only",
];

/// The third: INSERT OR REPLACE removes the row in its way without a word to the trigger on deletion.
const ON_SQLITE: &[&str] = &[
    "CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: UPDATE is refused');
END",
    "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: DELETE is refused');
END",
    "CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry
WHEN EXISTS (SELECT 1 FROM audit_entry kept WHERE kept.place = NEW.place)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: REPLACE is refused');
END",
];

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, backend) = (manager.get_connection(), manager.get_database_backend());
        let triggers = if backend == DbBackend::Postgres { ON_POSTGRES } else { ON_SQLITE };
        for statement in TABLE.iter().chain(triggers) {
            db.execute_unprepared(&written_for(backend, statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("DROP TABLE audit_entry").await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared("DROP FUNCTION audit_entry_refuse()").await?;
        }
        Ok(())
    }
}
