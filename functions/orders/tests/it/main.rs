//! `order-intake` over the embedded store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod listings;
mod lost_answers;
mod support;
