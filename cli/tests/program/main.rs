//! `orderflow up` as a process, with signals and files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod analytics;
mod audit;
mod bench;
#[cfg(feature = "browser")]
mod browser;
mod connections;
#[cfg(feature = "browser")]
mod console;
#[cfg(feature = "contract")]
mod contract;
mod crash;
mod customers;
#[cfg(feature = "ministack")]
mod customers_ministack;
#[cfg(feature = "rabbitmq")]
mod customers_rabbitmq;
mod data_directory;
mod demo;
#[cfg(feature = "browser")]
mod docs_page;
mod doctor;
mod guard;
mod health;
#[cfg(feature = "browser")]
mod hostile_page;
mod issuer;
mod life;
mod limits;
mod load;
mod mail;
mod metrics;
mod outbox;
mod pauses;
mod seed;
mod server;
mod sim;
mod traces;
mod untouched;
mod verbs;
