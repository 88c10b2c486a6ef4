//! Locks on periods, and why figures of locked periods were changed all the same.

use super::Statements;

const STATEMENTS: &[&str] = &[
    "CREATE TABLE period_lock ({record},
    community_id {uuid} REFERENCES community (id),
    network_id {uuid} REFERENCES network (id),
    indicator_id {uuid} REFERENCES indicator (id),
    until {date} NOT NULL,
    reason {json} NOT NULL,
    lifted {json})",
    "CREATE INDEX period_lock_community ON period_lock (community_id) WHERE community_id IS NOT NULL",
    "CREATE INDEX period_lock_network ON period_lock (network_id) WHERE network_id IS NOT NULL",
    "ALTER TABLE observation ADD COLUMN restatement text",
    "ALTER TABLE latest_observation ADD COLUMN restatement text",
    "ALTER TABLE pending_observation ADD COLUMN restatement text",
];

pub(super) const MIGRATION: Statements = Statements {
    name: "m0013_period_lock",
    up: STATEMENTS,
    down: &[
        "DROP TABLE period_lock",
        "ALTER TABLE pending_observation DROP COLUMN restatement",
        "ALTER TABLE latest_observation DROP COLUMN restatement",
        "ALTER TABLE observation DROP COLUMN restatement",
    ],
};
