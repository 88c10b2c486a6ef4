//! Every version of a declared break: comparisons as of an earlier moment count those that stood then.

use super::Statements;

const STATEMENTS: &[&str] = &[
    "CREATE TABLE series_break_version (
    id {uuid} NOT NULL REFERENCES series_break (id),
    version integer NOT NULL,
    created_at {time} NOT NULL,
    created_by text NOT NULL,
    updated_at {time} NOT NULL,
    updated_by text NOT NULL,
    archived_at {time},
    community_id {uuid} NOT NULL,
    indicator_id {uuid} NOT NULL,
    source_id {uuid},
    starts_on {date} NOT NULL,
    reason {code} NOT NULL,
    note {json},
    bridge {json},
    PRIMARY KEY (id, version))",
    "CREATE INDEX series_break_version_place ON series_break_version (community_id, indicator_id)",
    "INSERT INTO series_break_version (id, version, created_at, created_by, updated_at, updated_by, archived_at,
    community_id, indicator_id, source_id, starts_on, reason, note, bridge)
    SELECT id, version, created_at, created_by, updated_at, updated_by, archived_at,
    community_id, indicator_id, source_id, starts_on, reason, note, bridge FROM series_break",
    // What was changed until now is not known any more: taken to have been so since it was declared.
    "INSERT INTO series_break_version (id, version, created_at, created_by, updated_at, updated_by, archived_at,
    community_id, indicator_id, source_id, starts_on, reason, note, bridge)
    SELECT id, 1, created_at, created_by, created_at, created_by, NULL,
    community_id, indicator_id, source_id, starts_on, reason, note, bridge FROM series_break WHERE version > 1",
];

pub(super) const MIGRATION: Statements =
    Statements { name: "m0020_series_break_versions", up: STATEMENTS, down: &["DROP TABLE series_break_version"] };
