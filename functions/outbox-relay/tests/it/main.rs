//! Tests of the relay with stream records of the embedded store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod relaying;
mod support;
