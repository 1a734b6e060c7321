//! The documents: their links lead somewhere, every page can be reached, and the reference pages say what the code says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod links;
mod page;
mod reference;
mod shape;
