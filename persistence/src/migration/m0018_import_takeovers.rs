//! How often an import job was taken up since it last came further: a file that ends the process that reads it is given up some time.

use super::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0018_import_takeovers",
    up: &["ALTER TABLE import_job ADD COLUMN takeovers integer NOT NULL DEFAULT 0"],
    down: &["ALTER TABLE import_job DROP COLUMN takeovers"],
};
