//! The outside that the domain asks for: SQLite and PostgreSQL, memory and Redis, behind the domain's ports.

mod audit;
pub mod bus;
pub mod cache;
mod columns;
mod connect;
mod error;
mod figures;
mod identity;
mod import_jobs;
mod ingest;
pub mod limiter;
mod link;
mod migration;
mod pending;
mod quality;
mod relay;
mod repo;
mod row;
mod sight;
mod sql;
mod store;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;

pub use connect::DatabaseConfig;
pub use relay::relay;
pub use store::SqlStore;
