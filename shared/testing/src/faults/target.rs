//! A function that fails.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_bridge::{Target, TargetError};
use serde_json::Value;

use super::dice::{Dice, Roll};
use super::{FaultCounts, FaultRates};

/// How often what goes wrong with a function.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TargetFaults {
    /// What can go wrong with any call.
    pub rates: FaultRates,
    /// The share of calls that are answered as if the function could not be reached.
    pub unreachable: f64,
    /// The share of calls that panic instead of an answer.
    pub panic: f64,
}

/// A function that fails, panics, is out of reach, loses its answer, runs twice, takes long, or gets its records in reverse order.
pub struct FaultyTarget {
    inner: Arc<dyn Target>,
    faults: TargetFaults,
    dice: Dice,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Panics,
    Unreachable,
    FailsBefore,
    FailsAfter,
    Repeated,
}

impl FaultyTarget {
    /// Goes wrong before `inner`. Rates are shares of the calls.
    pub fn new(inner: Arc<dyn Target>, faults: TargetFaults, seed: u64) -> Self {
        Self { inner, faults, dice: Dice::new(seed) }
    }

    /// What went wrong so far.
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
            Some(Fault::Unreachable) => Err(TargetError::Unreachable("told to be out of reach".to_owned())),
            Some(Fault::FailsBefore) => Err(TargetError::Failed("told to fail before the call".to_owned())),
            Some(Fault::FailsAfter) => {
                self.inner.invoke(payload).await?;
                Err(TargetError::Failed("told to lose the answer".to_owned()))
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
    // Every die is thrown every time: one rate changes nothing about what another one hits.
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

/// The payload, its records in reverse order if chance will have it.
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

/// None where there are no records that could change places.
fn reversed(payload: &[u8]) -> Option<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(payload).ok()?;
    let records = event.get_mut("Records")?.as_array_mut()?;
    records.reverse();
    (records.len() > 1).then(|| event.to_string().into_bytes())
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
