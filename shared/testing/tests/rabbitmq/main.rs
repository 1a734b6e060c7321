//! Tests with a real RabbitMQ: Debian's, or the one in `ORDERFLOW_RABBITMQ`. `cargo xtask tools rabbitmq` installs it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broker;
mod node;
