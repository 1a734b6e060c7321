//! The program in several processes over one store and a real RabbitMQ, while processes are killed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod breaker;
mod broker_outages;
mod doctor;
mod health;
mod kills;
mod load;
mod log_lines;
mod mails;
mod outage;
mod permissions;
mod sharing;
mod shop;
mod tables;
mod undecodable;
mod vanishing;
