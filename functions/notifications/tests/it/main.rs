//! The notification service over the embedded store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod guarded;
mod harness;
mod outcomes;
mod refused_recipients;
mod requests;
mod routes;
mod sending;
mod texts;
mod turns;
