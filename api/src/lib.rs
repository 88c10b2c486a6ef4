//! Concert: a GraphQL API for networks of communities working for collective impact.

pub mod auth;
pub mod cli;
pub mod config;
pub mod exchange;
pub mod graphql;
pub mod http;
pub mod import_jobs;
pub mod readiness;
mod refusal;
pub mod shutdown;
pub mod telemetry;
