//! Figures that are withdrawn, and the feed of changes.
//!
//! A retraction is a further revision, born superseded: its `superseded_at` is its `recorded_at`. So it is nowhere taken for
//! a current figure, and no index of current figures holds it. Once a figure is recorded after it, `superseded_at` is that
//! figure's moment.

use super::Statements;

const STATEMENTS: &[&str] = &[
    "ALTER TABLE observation ADD COLUMN retraction {code}",
    // The keys of the revisions that a batch wrote; without a place until its unit of work is committed.
    "CREATE TABLE figure_change (
    id {serial},
    place bigint,
    figures integer NOT NULL,
    released boolean NOT NULL,
    keys {bytes} NOT NULL)",
    "CREATE INDEX figure_change_place ON figure_change (place)",
    // One row: the last place taken, and under what readers are told of places.
    "CREATE TABLE change_counter (last bigint NOT NULL, cursor_key {bytes})",
    "INSERT INTO change_counter (last) VALUES (0)",
    // Revisions under an embargo that has not ended, or that nobody has read the feed since.
    "CREATE TABLE embargoed (
    until {time} NOT NULL,
    series_id {uuid} NOT NULL,
    period_end {date} NOT NULL,
    period_start {date} NOT NULL,
    revision integer NOT NULL,
    period_kind {code} NOT NULL,
    PRIMARY KEY (until, series_id, period_end, period_start, period_kind, revision))",
];

pub(super) const MIGRATION: Statements = Statements {
    name: "m0012_retraction",
    up: STATEMENTS,
    down: &[
        "DROP TABLE embargoed",
        "DROP TABLE change_counter",
        "DROP TABLE figure_change",
        "ALTER TABLE observation DROP COLUMN retraction",
    ],
};
