//! The server with real sockets and short deadlines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod deadlines;
mod limit;
mod overload;
mod slow_clients;
mod stopping;
