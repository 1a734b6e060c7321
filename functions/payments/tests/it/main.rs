//! The payment service over the embedded store, with the simulated gateway and with a stub of Stripe's API.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod charges;
mod crashes;
mod free_orders;
mod gateway;
mod guarded;
mod harness;
mod properties;
mod refunds;
mod refusals;
mod routes;
mod sequences;
mod stripe;
