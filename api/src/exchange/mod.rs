//! Figures in files: reading them in; and the audit log, written out. Each format has a file that documents it: [`tidy`],
//! [`open_sdg`], [`audit`].

pub mod audit;
mod batch;
mod communities;
mod csv;
mod failure;
mod import;
mod indicators;
mod measures;
mod metadata;
pub mod open_sdg;
mod options;
mod reader;
mod report;
mod resolve;
pub mod tidy;
mod values;
mod writer;

pub use communities::OWN_SCHEME;
pub use failure::{Failure, FailureCode};
pub use import::{Importer, Observer, Unheard, import_reader};
pub use options::{Create, Format, Options, Total};
pub use reader::{find, stem};
pub use report::{Adjustment, Counts, Created, Reason, Reject, RejectsFile, Report};
