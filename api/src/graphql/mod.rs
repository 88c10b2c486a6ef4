//! The GraphQL schema: one file or folder for each noun, named as in the domain.

// The library calls every resolver as a future, whether it waits for anything or not.
#![allow(clippy::unused_async)]

pub mod api_token;
pub mod audit;
pub mod comparison;
pub mod connection;
pub mod context;
pub mod error;
pub mod id;
pub mod import_job;
pub mod input;
pub mod latest;
pub mod limits;
pub mod loaders;
pub mod node;
pub mod observation;
pub mod order;
pub mod period_lock;
pub mod query;
pub mod record;
pub mod rows;
pub mod scalars;
pub mod schema;
pub mod series;
pub mod series_break;
pub mod source;
pub mod target;
pub mod text;

pub mod account;
pub mod authority_decision;
pub mod baseline;
pub mod change_feed;
pub mod community;
pub mod figure_query;
pub mod grant;
pub mod identity;
pub mod indicator;
pub mod initiative;
pub mod invitation;
pub mod learning;
pub mod mapping;
pub mod membership;
pub mod network;
pub mod participation;
pub mod partner;
pub mod pending;
pub mod quality_rule;
pub mod sharing_rule;
