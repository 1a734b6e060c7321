//! The program `orderflow`: the system in one process, the store that several share, and the commands that talk to a running one.

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
