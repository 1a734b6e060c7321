//! The bridge against a real RabbitMQ: Debian's, or the one that `ORDERFLOW_RABBITMQ` names. `cargo xtask test --install` installs it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dead_letters;
mod deleted;
mod network;
mod permissions;
mod poison_isolation;
mod support;
mod tls;
mod topology;
