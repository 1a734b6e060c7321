//! How hard the suite tries.

use std::str::FromStr;

/// Messages of the scenario with random failures (`ORDERFLOW_STRESS_MESSAGES`, default 10,000).
pub(super) fn messages() -> usize {
    setting("ORDERFLOW_STRESS_MESSAGES").unwrap_or(10_000)
}

/// What its failures are drawn from (`ORDERFLOW_STRESS_SEED`, default 1).
pub(super) fn seed() -> u64 {
    setting("ORDERFLOW_STRESS_SEED").unwrap_or(1)
}

/// # Panics
/// When the variable is there and says something else than a number.
fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let number = text.parse().ok();
    assert!(number.is_some(), "{name}={text:?} must be a number");
    number
}
