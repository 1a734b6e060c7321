//! The program `orderflow`: commands that run the system, its store or its bridge, and commands that talk to a running system.

pub mod analytics;
pub mod bridge;
mod broker_args;
pub mod cli;
pub mod client;
pub mod dlq;
pub mod env_file;
pub mod migrate;
mod serving;
pub mod store;
pub mod up;
