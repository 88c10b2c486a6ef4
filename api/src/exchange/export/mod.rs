//! Figures written to files: the counterpart of the readers. Each format's writer stands beside its reader; what they share is here.
//!
//! A writer says of each figure what its format can say, and leaves a figure out where that would say something else than what is
//! known: a missing value without its reason, a confidential figure without a word of it. What is left out is counted. See
//! docs/exporting.md.

mod columns;
mod options;
mod places;
mod run;
#[cfg(test)]
mod tests;
mod write;

pub use options::{ExportFormat, ExportOptions, ExportingArgs, SdmxVersion, settings};
pub use places::{Naming, Place, Places};
pub use run::{Export, Told};
pub use write::{FigureWriter, LeftOut, Line};

pub(super) use columns::Dimensions;
pub(super) use write::{moment, number, plain_only, push_csv, push_json, text};
