//! The program `orderflow`: the system in one process, and the commands that talk to a running one.

pub mod cli;
pub mod client;
pub mod system;
pub mod up;
