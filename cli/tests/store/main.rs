//! `orderflow store` as it is started: a real process that others reach over HTTP.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ending;
mod process;
mod sharing;
mod trimming;
