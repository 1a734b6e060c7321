//! The documents that are served, and the code that they are made from.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod generated;
mod served;
mod valid;
