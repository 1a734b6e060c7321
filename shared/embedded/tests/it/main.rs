//! Tests of the embedded database through the AWS SDK, in the process and over HTTP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod http;
mod items;
mod streams;
mod support;
