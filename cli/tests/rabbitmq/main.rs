//! The program in many processes, over one store and a real RabbitMQ, while parts of it are killed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod books;
mod breaker;
mod broker_outages;
mod kills;
mod load;
mod outage;
mod part;
mod poison;
mod sharing;
mod shop;
