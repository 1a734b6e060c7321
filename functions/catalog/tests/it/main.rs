//! The catalog over a store in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache;
mod changing;
mod conditional;
mod creating;
mod currency;
mod harness;
mod warming_up;
