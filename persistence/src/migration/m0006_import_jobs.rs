//! Files that are uploaded, and imported by whichever replica takes them up.

use super::Statements;

const STATEMENTS: &[&str] = &[
    "CREATE TABLE import_job (
    id {uuid} NOT NULL PRIMARY KEY,
    owner {code} NOT NULL,
    name text NOT NULL,
    settings text NOT NULL,
    dry_run boolean NOT NULL,
    state {code} NOT NULL,
    bytes bigint NOT NULL,
    read_bytes bigint NOT NULL,
    rows_read bigint NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    unchanged bigint NOT NULL,
    rejected bigint NOT NULL,
    failure {json},
    stopping boolean NOT NULL,
    created_at {time} NOT NULL,
    started_at {time},
    finished_at {time},
    holder {uuid},
    held_until {time})",
    "CREATE INDEX import_job_owner ON import_job (owner, id)",
    "CREATE INDEX import_job_waiting ON import_job (id) WHERE state IN ('QUEUED', 'RUNNING')",
    "CREATE TABLE import_piece (
    job_id {uuid} NOT NULL REFERENCES import_job (id),
    number integer NOT NULL,
    bytes {bytes} NOT NULL,
    kept_at {time} NOT NULL,
    PRIMARY KEY (job_id, number))",
    "CREATE TABLE import_reject (
    job_id {uuid} NOT NULL REFERENCES import_job (id),
    number bigint NOT NULL,
    line bigint NOT NULL,
    field text NOT NULL,
    code {code} NOT NULL,
    message text NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (job_id, number))",
];

pub(super) const MIGRATION: Statements = Statements {
    name: "m0006_import_jobs",
    up: STATEMENTS,
    down: &["DROP TABLE import_reject", "DROP TABLE import_piece", "DROP TABLE import_job"],
};
