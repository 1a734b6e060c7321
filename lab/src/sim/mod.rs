//! Deterministic simulation: the handlers of the shop over a store in memory, with a simulated broker, payment provider, mail server and clock,
//! all driven by one seed.

mod admin;
mod args;
pub mod audit;
mod batch;
mod broker;
mod client;
mod crash;
mod delivery;
mod fault;
mod generate;
mod mail;
mod operations;
mod plan;
mod provider;
mod publisher;
mod queue;
mod relays;
mod report;
mod run;
mod scheduler;
mod settling;
mod shrink;
mod simulate;
mod store;
mod story;
mod system;
mod tables;
mod time;
mod timed;
mod verdict;
mod workers;
mod world;

pub use args::SimArgs;
pub use audit::{Evidence, Violation};
pub use fault::{FaultKind, Place, PlannedFault};
pub use plan::{Action, Operation, Plan};
pub use report::SimReport;
pub use run::{Run, run};
pub use simulate::{SimError, simulate};
pub use verdict::violations;

#[cfg(test)]
mod tests;
