//! When an account signed out of what another provider had signed for it: that is not good any more, though it has not ended.

use super::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0017_foreign_sign_out",
    up: &["ALTER TABLE foreign_identity ADD COLUMN signed_out_at {time}"],
    down: &["ALTER TABLE foreign_identity DROP COLUMN signed_out_at"],
};
