//! The conformance suite over the backends of the store that need no installation.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dynoxide;
mod engine;
mod protocol;
mod requests;
