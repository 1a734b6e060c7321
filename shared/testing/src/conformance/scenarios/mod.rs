//! The scenarios of the suite, by subject. Each panics if the broker does not behave as required.

pub mod chaos;
pub mod delivery;
pub mod endings;
pub mod failures;
pub mod foreign;
pub mod outcomes;

/// The consumer in scenarios with one consumer; it subscribes to all events that they publish.
const TRACKER: &str = "order-tracker";
