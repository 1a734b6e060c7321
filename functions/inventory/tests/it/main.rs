//! `inventory-reserve` and the inventory API over a store in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod conditional;
mod contention;
mod corrections;
mod faults;
mod harness;
mod products;
mod races;
mod refusals;
