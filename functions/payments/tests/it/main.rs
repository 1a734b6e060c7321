//! Payments over the embedded store and the simulated gateway.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod charging;
mod crashes;
mod gateway;
mod guarded;
mod properties;
mod refusing;
mod routes;
mod support;
mod unordered;
