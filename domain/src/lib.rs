//! What a network of communities working for collective impact is, and its rules.
//!
//! One file for each noun; [`compare`] computes on series; [`access`] alone decides who may; [`port`] says what the
//! domain asks of the outside; [`service`] holds the use cases.

pub mod access;
pub mod account;
pub mod api_token;
pub mod audit;
pub mod baseline;
pub mod change_feed;
pub mod code;
pub mod community;
pub mod compare;
pub mod decision;
pub mod error;
pub mod event;
pub mod export;
pub mod fold;
pub mod grant;
pub mod id;
pub mod import_job;
pub mod indicator;
pub mod initiative;
pub mod key;
pub mod learning;
pub mod mapping;
pub mod membership;
pub mod network;
pub mod observation;
pub mod page;
pub mod participation;
pub mod partner;
pub mod pending;
pub mod period;
pub mod period_lock;
pub mod port;
pub mod push;
pub mod quality;
pub mod record;
pub mod revision;
pub mod rules;
pub mod series;
pub mod series_break;
pub mod service;
pub mod sharing;
pub mod small_cells;
pub mod source;
pub mod target;
pub mod text;

pub use error::{Error, Result};
