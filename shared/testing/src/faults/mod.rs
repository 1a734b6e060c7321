//! Wrappers that inject faults. The same seed injects the same faults, call by call.
//!
//! [`FaultyPublisher`] wraps a publisher, [`FaultyTarget`] a function. Both count the faults that took effect, so that a test can check
//! that faults happened at all. [`FailingStore`] wraps a store, and the test says which writes fail.

mod dice;
mod failing_store;
mod publisher;
mod target;

use std::time::Duration;

pub use failing_store::{FailingStore, WriteFault};
pub use publisher::FaultyPublisher;
pub use target::{FaultyTarget, TargetFaults};

/// The rates of faults, as shares of the calls (or of a publisher's events) from 0 to 1. The default is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FaultRates {
    /// Fails without having done anything.
    pub fail_before: f64,
    /// Fails after it was done.
    pub fail_after: f64,
    /// Is done twice.
    pub repeat: f64,
    /// Handles the events or records of a call in another order.
    pub reorder: f64,
    /// Is delayed.
    pub delay: f64,
    /// The longest delay.
    pub longest_delay: Duration,
}

/// The number of injected faults. A fault without effect, such as another order of a single message, is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Failures before it was done: events of a publisher, calls of a function.
    pub failed_before: u64,
    /// Failures after it was done: events of a publisher, calls of a function.
    pub failed_after: u64,
    /// Repetitions: events of a publisher, calls of a function.
    pub repeated: u64,
    /// Calls in another order.
    pub reordered: u64,
    /// Calls that were delayed.
    pub delayed: u64,
    /// Calls that failed because the function was unreachable.
    pub unreachable: u64,
    /// Calls of a function that panicked.
    pub panicked: u64,
}
