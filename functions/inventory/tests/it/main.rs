//! `inventory-reserve` over the embedded store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod contention;
mod corrections;
mod desk;
mod faults;
mod products;
mod races;
mod refusals;
mod support;
