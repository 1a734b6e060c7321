//! Deterministic simulation: the handlers of the shop over a store in memory, with a simulated broker, payment provider, mail server and clock,
//! all driven by one seed.

mod fault;
mod plan;

pub use fault::{FaultKind, Place, PlannedFault};
pub use plan::{Action, Operation, Plan};
