//! Proposes a mapping from the head of a table: `concert import --infer FILE`.
//!
//! What a table does not say is a gap, written `?` in the proposal; what it says in a way that could mean something else is
//! taken to mean the likelier, and told with the reason why it is unsure. Nothing depends on anything but the bytes read.

mod columns;
mod head;
mod numbers;
mod places;
mod propose;
#[cfg(test)]
mod tests;

use std::{fmt, io::Read};

use domain::mapping::ColumnMapping;

use super::failure::Failure;

/// What stands in a proposal where the table does not say it.
pub const GAP: &str = "?";

/// Something that the head of a table leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Where in the mapping: `community.scheme`.
    pub path: String,
    /// What is unsure, and why.
    pub reason: String,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// A mapping that a table seems to need.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The mapping, with gaps.
    pub mapping: ColumnMapping,
    /// What is unsure of it, in the order of the mapping.
    pub doubts: Vec<Doubt>,
}

/// Collects what is unsure.
#[derive(Debug, Default)]
struct Doubts(Vec<Doubt>);

impl Doubts {
    fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        let doubt = Doubt { path: path.into(), reason: reason.into() };
        if !self.0.contains(&doubt) {
            self.0.push(doubt);
        }
    }
}

/// Proposes a mapping for a table, plain or gzip, of which only the beginning is read.
///
/// # Errors
/// Whatever keeps the beginning from being read as a table.
pub fn infer(raw: impl Read + Send + 'static) -> Result<Proposal, Failure> {
    let mut doubts = Doubts::default();
    let head = head::read(raw, &mut doubts)?;
    let mapping = propose::mapping(&head, &mut doubts);
    Ok(Proposal { mapping, doubts: doubts.0 })
}
