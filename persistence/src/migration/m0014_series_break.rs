//! Declared breaks of series, with their bridges.

use super::Statements;

const STATEMENTS: &[&str] = &[
    "CREATE TABLE series_break ({record},
    community_id {uuid} NOT NULL REFERENCES community (id),
    indicator_id {uuid} NOT NULL REFERENCES indicator (id),
    source_id {uuid} REFERENCES source (id),
    starts_on {date} NOT NULL,
    reason {code} NOT NULL,
    note {json},
    bridge {json})",
    "CREATE INDEX series_break_place ON series_break (community_id, indicator_id)",
];

pub(super) const MIGRATION: Statements =
    Statements { name: "m0014_series_break", up: STATEMENTS, down: &["DROP TABLE series_break"] };
