//! Who may do what: accounts and what they sign in with, roles, API tokens, sharing rules and the decisions of Indigenous data
//! authorities.

use super::Statements;

const STATEMENTS: &[&str] = &[
    "CREATE TABLE sharing_rule ({record},
    community_id {uuid} NOT NULL REFERENCES community (id),
    indicator_id {uuid} REFERENCES indicator (id),
    visibility {code} NOT NULL,
    named {json} NOT NULL,
    note {json})",
    // At most one rule holds for an indicator, and one for all others.
    "CREATE UNIQUE INDEX sharing_rule_indicator ON sharing_rule (community_id, indicator_id) \
     WHERE archived_at IS NULL AND indicator_id IS NOT NULL",
    "CREATE UNIQUE INDEX sharing_rule_general ON sharing_rule (community_id) \
     WHERE archived_at IS NULL AND indicator_id IS NULL",
    // Few communities keep anything to themselves, and every reading looks for those.
    "CREATE INDEX sharing_rule_restricting ON sharing_rule (community_id) \
     WHERE archived_at IS NULL AND visibility <> 'PUBLIC'",
    "CREATE TABLE sharing_rule_named (
    sharing_rule_id {uuid} NOT NULL REFERENCES sharing_rule (id),
    community_id {uuid} NOT NULL REFERENCES community (id),
    PRIMARY KEY (sharing_rule_id, community_id))",
    "CREATE TABLE learning_named (
    learning_id {uuid} NOT NULL REFERENCES learning (id),
    community_id {uuid} NOT NULL REFERENCES community (id),
    PRIMARY KEY (learning_id, community_id))",
    "CREATE TABLE authority_decision ({record},
    community_id {uuid} NOT NULL REFERENCES community (id),
    act {code} NOT NULL,
    indicator_id {uuid} REFERENCES indicator (id),
    network_id {uuid} REFERENCES network (id),
    expires_on {date},
    note {json})",
    "CREATE INDEX authority_decision_community ON authority_decision (community_id)",
    "CREATE TABLE account ({record},
    email {code} NOT NULL CONSTRAINT account_email UNIQUE,
    name text NOT NULL,
    locale {code} NOT NULL,
    search_text text NOT NULL)",
    "CREATE TABLE access_grant ({record},
    account_id {uuid} NOT NULL REFERENCES account (id),
    role {code} NOT NULL,
    network_id {uuid} REFERENCES network (id),
    community_id {uuid} REFERENCES community (id),
    partner_id {uuid} REFERENCES partner (id),
    expires_at {time})",
    "CREATE INDEX access_grant_account ON access_grant (account_id)",
    "CREATE INDEX access_grant_network ON access_grant (network_id) WHERE network_id IS NOT NULL",
    "CREATE INDEX access_grant_community ON access_grant (community_id) WHERE community_id IS NOT NULL",
    "CREATE INDEX access_grant_partner ON access_grant (partner_id) WHERE partner_id IS NOT NULL",
    "CREATE TABLE api_token ({record},
    name text NOT NULL,
    hint {code} NOT NULL,
    communities {json} NOT NULL,
    indicators {json} NOT NULL,
    actions {json} NOT NULL,
    addresses {json} NOT NULL,
    expires_at {time},
    replaces_id {uuid} REFERENCES api_token (id))",
    "CREATE TABLE api_token_community (
    api_token_id {uuid} NOT NULL REFERENCES api_token (id),
    community_id {uuid} NOT NULL REFERENCES community (id),
    PRIMARY KEY (api_token_id, community_id))",
    "CREATE INDEX api_token_community_community ON api_token_community (community_id)",
    // What is signed in with is kept apart from what is listed, so that no list can ever hold it.
    "CREATE TABLE api_token_secret (
    digest {bytes} NOT NULL PRIMARY KEY,
    api_token_id {uuid} NOT NULL REFERENCES api_token (id))",
    "CREATE TABLE api_token_use (
    api_token_id {uuid} NOT NULL PRIMARY KEY REFERENCES api_token (id),
    last_used_at {time} NOT NULL)",
    "CREATE TABLE account_password (
    account_id {uuid} NOT NULL PRIMARY KEY REFERENCES account (id),
    hash text NOT NULL,
    changed_at {time} NOT NULL)",
    "CREATE TABLE foreign_identity (
    issuer {code} NOT NULL,
    subject {code} NOT NULL,
    account_id {uuid} NOT NULL REFERENCES account (id),
    linked_at {time} NOT NULL,
    PRIMARY KEY (issuer, subject))",
    "CREATE TABLE account_session (
    id {uuid} NOT NULL PRIMARY KEY,
    account_id {uuid} NOT NULL REFERENCES account (id),
    started_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    address text,
    ended_at {time})",
    "CREATE INDEX account_session_account ON account_session (account_id)",
    "CREATE TABLE refresh_token (
    digest {bytes} NOT NULL PRIMARY KEY,
    session_id {uuid} NOT NULL REFERENCES account_session (id),
    issued_at {time} NOT NULL,
    spent_at {time})",
    "CREATE INDEX refresh_token_session ON refresh_token (session_id)",
    "CREATE TABLE invitation (
    digest {bytes} NOT NULL PRIMARY KEY,
    kind {code} NOT NULL,
    email {code} NOT NULL,
    account_id {uuid} REFERENCES account (id),
    grants {json} NOT NULL,
    created_at {time} NOT NULL,
    created_by text NOT NULL,
    expires_at {time} NOT NULL,
    used_at {time})",
    "CREATE TABLE signing_key (
    kid {code} NOT NULL PRIMARY KEY,
    pem text NOT NULL,
    created_at {time} NOT NULL,
    retired_at {time})",
];

pub(super) const MIGRATION: Statements = Statements {
    name: "m0004_access",
    up: STATEMENTS,
    down: &[
        "DROP TABLE signing_key",
        "DROP TABLE invitation",
        "DROP TABLE refresh_token",
        "DROP TABLE account_session",
        "DROP TABLE foreign_identity",
        "DROP TABLE account_password",
        "DROP TABLE api_token_use",
        "DROP TABLE api_token_secret",
        "DROP TABLE api_token_community",
        "DROP TABLE api_token",
        "DROP TABLE access_grant",
        "DROP TABLE account",
        "DROP TABLE authority_decision",
        "DROP TABLE learning_named",
        "DROP TABLE sharing_rule_named",
        "DROP TABLE sharing_rule",
    ],
};
