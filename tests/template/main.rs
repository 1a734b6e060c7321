//! template.yaml agrees with the code.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bundles;
mod http;
mod payment;
mod queues;
mod rabbitmq;
mod reading;
mod rights;
mod samples;
mod settings;
mod tables;
mod watching;
