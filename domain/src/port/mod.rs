//! What the domain asks of the outside. Adapters implement these traits; services hold them behind `Arc<dyn …>`.
//!
//! Errors that every port may return: [`crate::Error::Busy`] when the other side cannot answer just now (no free
//! connection, a statement that took too long, a deadlock, a full disk, a database that is down) and
//! [`crate::Error::Internal`] for faults, with a detail for the log alone.

pub mod audit;
pub mod bus;
pub mod cache;
pub mod change_feed;
pub mod clock;
pub mod export;
pub mod figures;
pub mod identity;
pub mod import_jobs;
pub mod ingest;
pub mod limiter;
pub mod pending;
pub mod quality;
pub mod secrets;
pub mod store;
