//! Notifications through real providers. `ORDERFLOW_AIOSMTPD` and `ORDERFLOW_MINISTACK` are the paths of these programs; `cargo xtask test --install`
//! installs them and sets both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws;
#[path = "../it/outcomes.rs"]
mod outcomes;
mod service;
mod smtp;
