//! The analytics service over the embedded store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counting;
mod faults;
mod harness;
mod rebuilding;
mod repeating;
mod routes;
