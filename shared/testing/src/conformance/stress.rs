//! Settings of the scenario with random failures.

use std::str::FromStr;

/// Returns the number of messages (`ORDERFLOW_STRESS_MESSAGES`, default 10,000).
pub(super) fn messages() -> usize {
    setting("ORDERFLOW_STRESS_MESSAGES").unwrap_or(10_000)
}

/// Returns the seed of the failures (`ORDERFLOW_STRESS_SEED`, default 1).
pub(super) fn seed() -> u64 {
    setting("ORDERFLOW_STRESS_SEED").unwrap_or(1)
}

/// # Panics
/// The variable is set and not a number.
fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let number = text.parse().ok();
    assert!(number.is_some(), "{name}={text:?} must be a number");
    number
}
