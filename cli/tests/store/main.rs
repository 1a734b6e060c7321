//! `orderflow store` as a process, used over HTTP.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ending;
mod process;
mod sharing;
mod trimming;
