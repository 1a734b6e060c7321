//! The catalog over the embedded store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache;
mod changing;
mod creating;
mod support;
mod warming_up;
