//! `order-intake` over a store in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chargeable;
mod conditional;
mod harness;
mod listing_cost;
mod listings;
mod lost_answers;
