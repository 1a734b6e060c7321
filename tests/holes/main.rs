//! Failures ("holes") that other order systems do not handle. Each has a test with its number: see docs/concepts/guarantees.md.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crashes;
mod each_request;
mod forged;
mod listed;
mod lost_events;
mod open_too_long;
mod requests;
mod stock;
mod support;
mod unordered;
