//! Figures as kept, against a plain model and against what the port promises.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod against_model;
mod bulk;
mod cursors;
mod members;
mod model;
pub(crate) mod support;
