//! The relay over real stream records.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod relaying;
mod support;
