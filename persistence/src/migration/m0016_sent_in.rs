//! Who had sent in what somebody else published: they are told that they say the same again, others may not be (see
//! [`domain::pending::Sender`]).

use super::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0016_sent_in",
    up: &["ALTER TABLE observation ADD COLUMN sent_in_by text"],
    down: &["ALTER TABLE observation DROP COLUMN sent_in_by"],
};
