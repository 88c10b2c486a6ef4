//! When an account signed out of what other providers had signed for it: that is not good any more, though it has not ended. And an
//! index for whom invitations were made.

use super::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0017_foreign_sign_out",
    up: &["ALTER TABLE account ADD COLUMN signed_out_at {time}", "CREATE INDEX invitation_email ON invitation (email)"],
    down: &["DROP INDEX invitation_email", "ALTER TABLE account DROP COLUMN signed_out_at"],
};
