//! Figures in files: reading them in and writing them out; and the audit log, written out. Each format has a file that
//! documents it: [`tidy`], [`open_sdg`], [`audit`].

mod asked;
pub mod audit;
mod batch;
pub mod cids;
mod communities;
mod csv;
pub mod dhis2;
pub mod export;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(test)]
mod hostile;
mod import;
mod indicators;
pub mod infer;
mod json;
pub mod mapped;
mod measures;
mod metadata;
pub mod ndjson;
pub mod open_sdg;
mod options;
mod reader;
mod reading;
mod rejected;
mod report;
mod resolve;
pub mod sdmx_csv;
pub mod sdmx_json;
mod sink;
pub mod statcan;
mod steps;
pub mod tidy;
#[cfg(test)]
mod told;
mod values;
mod writer;

pub use asked::{Asked, Stage, asked};
pub use communities::OWN_SCHEME;
pub use dhis2::{Combo, Dhis2, IdScheme, Strategy};
pub use failure::{Failure, FailureCode};
pub use import::{Importer, Observer, Unheard, import_reader};
pub use options::{Create, Format, Options, Total};
pub use reader::{find, stem};
pub use reading::{BadSetting, ReadingArgs};
pub use report::{Adjustment, Counts, Created, Reason, Reject, RejectsFile, Report, doubt};
pub use sdmx_csv::SdmxColumns;
pub use steps::{Steps, check};
