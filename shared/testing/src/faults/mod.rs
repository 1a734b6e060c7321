//! Wrappers that make things go wrong: the same seed makes the same things go wrong, call by call.
//!
//! [`FaultyPublisher`] stands before a publisher, [`FaultyTarget`] before a function. Both count what took effect, so that a test
//! can tell that it was tested at all.

mod dice;
mod publisher;
mod target;

use std::time::Duration;

pub use publisher::FaultyPublisher;
pub use target::{FaultyTarget, TargetFaults};

/// How often what goes wrong, as shares of the calls (or of a publisher's events) from 0 to 1. The default is never.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FaultRates {
    /// An error, and nothing was done.
    pub fail_before: f64,
    /// An error, although it was done.
    pub fail_after: f64,
    /// It is done twice.
    pub repeat: f64,
    /// What belongs to one call is taken in another order.
    pub reorder: f64,
    /// It takes longer.
    pub delay: f64,
    /// How much longer at most.
    pub longest_delay: Duration,
}

/// What went wrong so far. A fault that changed nothing, such as another order of a single message, is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// What failed before it was done: events of a publisher, calls of a function.
    pub failed_before: u64,
    /// What was done and failed then: events of a publisher, calls of a function.
    pub failed_after: u64,
    /// What was done twice: events of a publisher, calls of a function.
    pub repeated: u64,
    /// Calls in another order.
    pub reordered: u64,
    /// Calls that took longer.
    pub delayed: u64,
    /// Calls of a function that was said to be out of reach.
    pub unreachable: u64,
    /// Calls of a function that panicked.
    pub panicked: u64,
}
