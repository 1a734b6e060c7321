//! Payments over the embedded store, the simulated gateway, and Stripe's API as prepared answers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod charging;
mod crashes;
mod gateway;
mod guarded;
mod properties;
mod refunds;
mod refusing;
mod routes;
mod stripe;
mod support;
mod unordered;
