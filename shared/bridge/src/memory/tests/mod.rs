#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod faults;
mod outcomes;
mod properties;
mod restarts;
mod world;
