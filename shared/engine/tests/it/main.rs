//! The engine through its public interface.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod directory;
mod first_start;
mod kills;
mod power_cut;
mod reads;
mod streams;
mod support;
mod untouched;
mod workload;
mod writes;
