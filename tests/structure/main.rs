//! The structure of the workspace: which crate may import which, and no cycles between modules.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod layers;
mod modules;
mod source;
