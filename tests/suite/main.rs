//! The suite: every test talks to a real server over HTTP, with a database of its own.
//!
//! Without settings the server runs on SQLite, with bus and cache in its process. `CONCERT_TEST_DATABASE_URL` (a PostgreSQL
//! server on which databases may be created) and `CONCERT_TEST_REDIS_URL` have the same tests run on those.
//!
//! A test that waits for a program of its own runs on several threads: what goes on beside the server's requests would otherwise
//! stand still meanwhile, perhaps with the write lock in its hands.

mod app;
mod client;
mod db;
mod fixture;
#[path = "../../persistence/src/link/proxy.rs"]
mod proxy;

mod access;
mod api_tokens;
mod approval;
mod archived;
mod as_of;
mod audit;
mod cast;
mod change_feed;
mod cli;
mod comparison;
mod connections;
mod definitions;
mod demo;
mod exports;
mod fields;
mod figures;
mod filters;
mod foreign;
mod forged;
mod full;
mod grants;
mod health;
mod http;
mod identity;
mod imports;
mod keys;
mod layering;
mod learned_ids;
mod limits;
mod links;
mod mappings;
mod matrix;
mod nodes;
mod paging;
mod period_locks;
mod push;
mod quality;
mod readme;
mod real_canada;
mod real_data;
mod real_formats;
mod real_tables;
mod records;
mod refusals;
mod replicas;
mod retraction;
mod round_trip;
mod schema;
mod series_breaks;
mod small_cells;
mod statements;
mod strategies;
mod targets;
mod texts;
mod throttling;
mod tokens;
mod trail;
mod viewer_can;
mod visibility;
mod withheld;
