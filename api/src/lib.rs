//! Concert: a GraphQL API for networks of communities working for collective impact.

pub mod auth;
pub mod graphql;
pub mod http;
