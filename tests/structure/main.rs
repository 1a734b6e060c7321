//! The structure of the workspace: which crate may import which, no cycles between modules, and the parts of the system.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod layers;
mod modules;
mod parts;
mod source;
mod sources;
