//! The audit log in a file whose every byte can be checked.
//!
//! # The format, `concert-audit` version 1
//!
//! UTF-8, one JSON object a line, each line ended by a line feed.
//!
//! - **Header**, the first line: `format` (`concert-audit`), `version` (1), `exportedAt`, `fromPlace` (the place of the
//!   first entry; absent if there is none), `from` and `until` (the first moment of the span, and the first after it; absent
//!   if it is open).
//! - **Entries**, oldest first, by ascending `place`: `place`, `at`, `actor`, `actorKind`, `action` and, where there are any,
//!   `object` (`kind`, `id`), `community`, `network` (their ids), `changes` (by field: `before`, `after`), `requestId`,
//!   `address`, `detail`. Places that are missing between two entries were never kept.
//! - **Footer**, the last line: `count`, the number of entries.
//!
//! Moments are RFC 3339 in UTC to the microsecond, ids are UUIDs in lower case with hyphens.
//!
//! # The chain
//!
//! Every line has `hash`; every line but the first has `previous`, the `hash` of the line before. `hash` is the SHA-256, in
//! lower-case hexadecimal digits, of the digits of `previous` (none in the header) followed by the canonical form of the
//! line's object without `previous` and `hash`. The line itself is the canonical form of the whole object.
//!
//! **Canonical form**: no white space; the names of every object, at any depth, in ascending order of their code points,
//! each once; texts with `\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t` and, for other characters below U+0020, `\u00xx` in lower
//! case, everything else as it is; numbers as they stand in the line.
//!
//! A chain shows that a file was changed to whoever knows its last hash from elsewhere. Someone who writes the whole file
//! anew can make a chain that fits: keep the last hash apart from the file.

mod canonical;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
mod verify;
mod write;

pub use verify::{Fault, Unverified, Verified, verify};
pub use write::{Written, export};

/// What the header calls the format.
const FORMAT: &str = "concert-audit";
/// The version of the format.
const VERSION: u32 = 1;
/// The hash of the line before.
const PREVIOUS: &str = "previous";
/// The hash of the line.
const HASH: &str = "hash";
