//! Figures that wait until a steward publishes them, and the rules by which figures are found doubtful.

use super::Statements;

const STATEMENTS: &[&str] = &[
    // They name what they would be of, and no series: until they are published there may be none, and nobody is to find one.
    "CREATE TABLE pending_observation (
    id {uuid} NOT NULL CONSTRAINT pending_observation_id PRIMARY KEY,
    community_id {uuid} NOT NULL REFERENCES community (id),
    indicator_id {uuid} NOT NULL REFERENCES indicator (id),
    indicator_version_id {uuid} NOT NULL REFERENCES indicator_version (id),
    source_id {uuid} NOT NULL REFERENCES source (id),
    received_at {time} NOT NULL,
    decided_at {time},
    embargo_until {time},
    value {double},
    numerator {double},
    denominator {double},
    lower_limit {double},
    upper_limit {double},
    period_end {date} NOT NULL,
    period_start {date} NOT NULL,
    inherits boolean NOT NULL,
    has_findings boolean NOT NULL,
    period_kind {code} NOT NULL,
    status {code} NOT NULL,
    confidentiality {code} NOT NULL,
    state {code} NOT NULL,
    disaggregation {code} NOT NULL,
    received_by {code} NOT NULL,
    decided_by {code},
    note text,
    external_id text,
    reason text,
    findings {json} NOT NULL)",
    "CREATE UNIQUE INDEX pending_observation_figure ON pending_observation \
     (community_id, indicator_version_id, source_id, disaggregation, period_end, period_start, period_kind)",
    "CREATE INDEX pending_observation_community ON pending_observation (community_id, id)",
    "CREATE INDEX pending_observation_giver ON pending_observation (received_by, id)",
    "CREATE TABLE quality_rule ({record},
    network_id {uuid} REFERENCES network (id),
    community_id {uuid} REFERENCES community (id),
    indicator_id {uuid} REFERENCES indicator (id),
    check_code {code} NOT NULL,
    limits {json} NOT NULL,
    effect {code} NOT NULL,
    note {json})",
    "CREATE INDEX quality_rule_community ON quality_rule (community_id) WHERE community_id IS NOT NULL",
    "CREATE INDEX quality_rule_network ON quality_rule (network_id) WHERE network_id IS NOT NULL",
    "ALTER TABLE import_job ADD COLUMN received bigint NOT NULL DEFAULT 0",
];

pub(super) const MIGRATION: Statements = Statements {
    name: "m0011_pending",
    up: STATEMENTS,
    down: &["ALTER TABLE import_job DROP COLUMN received", "DROP TABLE quality_rule", "DROP TABLE pending_observation"],
};
