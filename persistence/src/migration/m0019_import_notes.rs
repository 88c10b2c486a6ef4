//! What should be known of an import though no row was rejected for it.

use super::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0019_import_notes",
    up: &["ALTER TABLE import_job ADD COLUMN notes {json}"],
    down: &["ALTER TABLE import_job DROP COLUMN notes"],
};
