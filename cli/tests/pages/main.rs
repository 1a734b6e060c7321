//! The shell blocks of the documents: every `orderflow` command in them parses, and every block marked `sh run` runs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod page;
mod running;
