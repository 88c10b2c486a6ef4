//! Reading figures to take them out.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    access::Scope,
    error::Result,
    export::{ExportFilter, ExportPage, ExportPart, ExportPlace},
};

/// Reads many figures in an order that does not depend on identifiers. Every read leaves out what the scope does not cover, at
/// the moment of reading, by the same rules as [`super::figures::Figures`].
#[async_trait]
pub trait Exports: Send + Sync {
    /// What the series are of that have a figure in sight, each once, in any order; one statement.
    async fn parts(&self, scope: &Scope, filter: &ExportFilter, now: DateTime<Utc>) -> Result<Vec<ExportPart>>;

    /// The next figures after a place, or the first; one statement. A page holds some thousand figures, or fewer even where more follow.
    async fn page(
        &self,
        scope: &Scope,
        filter: &ExportFilter,
        after: Option<&ExportPlace>,
        now: DateTime<Utc>,
    ) -> Result<ExportPage>;
}
