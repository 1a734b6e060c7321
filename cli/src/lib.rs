//! The program `orderflow`: commands that run the system, its store or its bridge, and commands that talk to a running system.

pub mod analytics;
mod audit;
pub mod bench;
pub mod bill;
pub mod bridge;
pub mod cli;
pub mod client;
pub mod completions;
pub mod demo;
pub mod dlq;
pub mod doctor;
pub mod migrate;
pub mod nearest;
mod serving;
pub mod settings;
pub mod sim;
pub mod store;
pub mod up;
