//! How tables of sources are read, with every version of it.

use super::Statements;

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

pub(super) const MIGRATION: Statements =
    Statements { name: "m0010_mappings", up: STATEMENTS, down: &["DROP TABLE mapping_version", "DROP TABLE mapping"] };
