//! What has to hold of every broker, by subject. Each scenario panics where it does not.

pub mod chaos;
pub mod delivery;
pub mod endings;
pub mod failures;
pub mod foreign;
pub mod outcomes;

/// Hears of all that the scenarios publish, where one consumer is enough.
const TRACKER: &str = "order-tracker";
