//! A function with injected faults.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_bridge::{Target, TargetError};
use serde_json::Value;

use super::dice::{Dice, Roll};
use super::{FaultCounts, FaultRates};

/// The rates of a function's faults.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TargetFaults {
    /// The rates of faults that publishers have too.
    pub rates: FaultRates,
    /// The share of calls that fail as if the function were unreachable.
    pub unreachable: f64,
    /// The share of calls that panic.
    pub panic: f64,
}

/// A function that fails, panics, is unreachable, loses its response, runs twice, is delayed, or gets its records in reverse order.
pub struct FaultyTarget {
    inner: Arc<dyn Target>,
    faults: TargetFaults,
    dice: Dice,
}

/// The fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Panics,
    Unreachable,
    FailsBefore,
    FailsAfter,
    Repeated,
}

impl FaultyTarget {
    /// Wraps `inner`. Rates are shares of the calls.
    pub fn new(inner: Arc<dyn Target>, faults: TargetFaults, seed: u64) -> Self {
        Self { inner, faults, dice: Dice::new(seed) }
    }

    /// Returns the number of injected faults.
    pub fn counts(&self) -> FaultCounts {
        self.dice.counts()
    }
}

#[async_trait]
impl Target for FaultyTarget {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let (fault, payload, delay) = {
            let mut roll = self.dice.roll();
            let fault = fault(&mut roll, &self.faults);
            let payload = reordered(&mut roll, &self.faults.rates, payload);
            (fault, payload, roll.delay(&self.faults.rates))
        };
        tokio::time::sleep(delay).await;
        match fault {
            None => self.inner.invoke(payload).await,
            Some(Fault::Panics) => panic!("told to panic"),
            Some(Fault::Unreachable) => Err(TargetError::Unreachable("injected: unreachable".to_owned())),
            Some(Fault::FailsBefore) => {
                Err(TargetError::Failed("injected failure before the call".to_owned()))
            }
            Some(Fault::FailsAfter) => {
                self.inner.invoke(payload).await?;
                Err(TargetError::Failed("injected: response lost".to_owned()))
            }
            Some(Fault::Repeated) => {
                self.inner.invoke(payload.clone()).await?;
                self.inner.invoke(payload).await
            }
        }
    }
}

fn fault(roll: &mut Roll, faults: &TargetFaults) -> Option<Fault> {
    let TargetFaults { rates, unreachable, panic } = faults;
    let dice = [
        (*panic, Fault::Panics),
        (*unreachable, Fault::Unreachable),
        (rates.fail_before, Fault::FailsBefore),
        (rates.fail_after, Fault::FailsAfter),
        (rates.repeat, Fault::Repeated),
    ];
    // Every decision is drawn in every call, so that a change of one rate does not affect the faults of another.
    let hits = dice.map(|(rate, fault)| roll.hits(rate).then_some(fault));
    let fault = hits.into_iter().flatten().next()?;
    let counts = &mut roll.counts;
    *match fault {
        Fault::Panics => &mut counts.panicked,
        Fault::Unreachable => &mut counts.unreachable,
        Fault::FailsBefore => &mut counts.failed_before,
        Fault::FailsAfter => &mut counts.failed_after,
        Fault::Repeated => &mut counts.repeated,
    } += 1;
    Some(fault)
}

/// Returns the payload, with its records in reverse order if that fault happens.
fn reordered(roll: &mut Roll, rates: &FaultRates, payload: Vec<u8>) -> Vec<u8> {
    if !roll.hits(rates.reorder) {
        return payload;
    }
    match reversed(&payload) {
        Some(reversed) => {
            roll.counts.reordered += 1;
            reversed
        }
        None => payload,
    }
}

/// Returns the payload with its records reversed, or `None` if it has fewer than two records.
fn reversed(payload: &[u8]) -> Option<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(payload).ok()?;
    let records = event.get_mut("Records")?.as_array_mut()?;
    records.reverse();
    (records.len() > 1).then(|| event.to_string().into_bytes())
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
