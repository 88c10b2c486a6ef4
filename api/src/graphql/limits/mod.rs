//! What a query may cost. Checked on the document before anything is executed, in one pass that visits every fragment
//! once: the library's own checks follow fragment spreads without memory, so a document of a kilobyte could hold it for
//! minutes.

mod measure;
mod shape;
mod tokens;

use async_graphql::{Variables, parser::types::ExecutableDocument};
use measure::Cost;

pub use shape::Shape;
pub(crate) use shape::named;
pub use tokens::{TextError, check_text};

/// The limits on one request. Every refusal names the limit, what it allows and what was found.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Tokens of the document, as the GraphQL grammar counts them.
    pub tokens: u64,
    /// Operations in the document, of which one is executed.
    pub operations: u64,
    /// Fields and fragments, every spread counted with what it stands for.
    pub fields: u64,
    /// Fields of the first level, where each may be a query or a change of its own.
    pub root_fields: u64,
    /// Aliases, counted likewise.
    pub aliases: u64,
    /// Directives, counted likewise.
    pub directives: u64,
    /// Levels of nested selections. The usual introspection query has 15.
    pub depth: u64,
    /// Objects that the answer may hold: page sizes multiplied down the levels.
    pub nodes: u64,
    /// The same for introspection, which is answered from memory.
    pub introspection_nodes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tokens: 10_000,
            operations: 20,
            fields: 2_000,
            root_fields: 50,
            aliases: 200,
            directives: 100,
            depth: 20,
            nodes: 25_000,
            introspection_nodes: 500_000,
        }
    }
}

/// A limit that a request exceeds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query exceeds the limit on {limit}: {found} of {allowed} allowed")]
pub struct LimitExceeded {
    /// Which limit: `tokens`, `operations`, `fields`, `rootFields`, `aliases`, `directives`, `depth`, `nesting` (of
    /// fragments), `nodes`, `introspectionNodes`.
    pub limit: &'static str,
    /// What it allows.
    pub allowed: u64,
    /// What was found, or more.
    pub found: u64,
}

pub(crate) fn within(limit: &'static str, found: u64, allowed: u64) -> Result<(), LimitExceeded> {
    if found <= allowed { Ok(()) } else { Err(LimitExceeded { limit, allowed, found }) }
}

impl Limits {
    /// Refuses a parsed document whose operations cost too much: all together where they are only read, each by itself
    /// where they are executed. Says how many objects the answer may hold.
    pub fn check(
        &self,
        document: &ExecutableDocument,
        variables: &Variables,
        shape: &Shape,
    ) -> Result<u64, LimitExceeded> {
        within("operations", document.operations.iter().count() as u64, self.operations)?;
        let mut found = Cost::default();
        for cost in measure::operations(document, variables, shape) {
            found.add_operation(cost);
            // After each, so that no document is measured much further than the limits go.
            self.admit(&found)?;
        }
        Ok(found.nodes)
    }

    fn admit(&self, found: &Cost) -> Result<(), LimitExceeded> {
        within("depth", found.depth, self.depth)?;
        within("nesting", found.nesting, measure::MAX_NESTING)?;
        within("fields", found.fields, self.fields)?;
        within("rootFields", found.width, self.root_fields)?;
        within("aliases", found.aliases, self.aliases)?;
        within("directives", found.directives, self.directives)?;
        within("nodes", found.nodes, self.nodes)?;
        within("introspectionNodes", found.introspection, self.introspection_nodes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
