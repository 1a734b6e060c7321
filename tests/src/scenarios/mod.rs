//! The scenarios, which must pass in every mode.
#![expect(clippy::missing_panics_doc, reason = "a scenario fails by panicking")]

pub mod bad_input;
pub mod catalog;
pub mod idempotency;
pub mod operation;
pub mod orders;
pub mod stock;
