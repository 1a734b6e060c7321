//! Analytics over a store in this process.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counting;
mod faults;
mod recounting;
mod routes;
mod support;
