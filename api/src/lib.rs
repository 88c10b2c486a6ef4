//! Concert: a GraphQL API for networks of communities working for collective impact.

pub mod graphql;
