//! The client commands against a stub of the server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod analytics;
mod bulk;
mod dlq;
mod env_file;
mod faults;
mod health;
mod listing;
mod migrate;
mod notification;
mod order;
mod payment;
mod place;
mod product;
mod program;
mod settings;
mod stub;
mod usage;
mod watch;
