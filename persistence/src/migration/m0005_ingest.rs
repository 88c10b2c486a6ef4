//! Pushing figures: the keys by which a repeated push is known again.

use super::Statements;

const STATEMENTS: &[&str] = &["CREATE TABLE push_key (
    owner {code} NOT NULL,
    key text NOT NULL,
    digest {bytes} NOT NULL,
    answer text,
    at {time} NOT NULL,
    PRIMARY KEY (owner, key))"];

pub(super) const MIGRATION: Statements =
    Statements { name: "m0005_ingest", up: STATEMENTS, down: &["DROP TABLE push_key"] };
