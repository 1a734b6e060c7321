//! A publisher that fails.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_domain::Event;
use orderflow_messaging::{PublishError, Publisher};

use super::dice::{Dice, Roll};
use super::{FaultCounts, FaultRates};

/// A publisher that repeats, reorders, delays, and fails events.
pub struct FaultyPublisher {
    inner: Arc<dyn Publisher>,
    rates: FaultRates,
    dice: Dice,
}

/// What becomes of one event of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Published,
    Repeated,
    FailsBefore,
    FailsAfter,
}

impl FaultyPublisher {
    /// Goes wrong before `inner`. Rates of failure and repetition are shares of the events, the others of the calls.
    pub fn new(inner: Arc<dyn Publisher>, rates: FaultRates, seed: u64) -> Self {
        Self { inner, rates, dice: Dice::new(seed) }
    }

    /// What went wrong so far.
    pub fn counts(&self) -> FaultCounts {
        self.dice.counts()
    }

    async fn publish_those(&self, order: &[usize], events: &[Event]) -> Vec<Result<(), PublishError>> {
        if order.is_empty() {
            return Vec::new();
        }
        let sent: Vec<Event> = order.iter().map(|position| events[*position].clone()).collect();
        self.inner.publish(&sent).await
    }
}

#[async_trait]
impl Publisher for FaultyPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let (fates, order, delay) = {
            let mut roll = self.dice.roll();
            let fates: Vec<Fate> = events.iter().map(|_| fate(&mut roll, &self.rates)).collect();
            let order = order(&mut roll, &self.rates, &fates);
            (fates, order, roll.delay(&self.rates))
        };
        tokio::time::sleep(delay).await;
        let answers = self.publish_those(&order, events).await;
        let mut results: Vec<_> = fates.into_iter().map(result).collect();
        for (position, answer) in order.into_iter().zip(answers) {
            if answer.is_err() {
                results[position] = answer;
            }
        }
        results
    }
}

fn fate(roll: &mut Roll, rates: &FaultRates) -> Fate {
    // Every die is thrown every time: one rate changes nothing about what another one hits.
    let [before, after, repeat] =
        [rates.fail_before, rates.fail_after, rates.repeat].map(|rate| roll.hits(rate));
    match (before, after, repeat) {
        (true, _, _) => {
            roll.counts.failed_before += 1;
            Fate::FailsBefore
        }
        (_, true, _) => {
            roll.counts.failed_after += 1;
            Fate::FailsAfter
        }
        (_, _, true) => {
            roll.counts.repeated += 1;
            Fate::Repeated
        }
        _ => Fate::Published,
    }
}

/// The positions of the events that are published, in the order in which they are.
fn order(roll: &mut Roll, rates: &FaultRates, fates: &[Fate]) -> Vec<usize> {
    let copies = |fate: &Fate| match fate {
        Fate::FailsBefore => 0,
        Fate::Published | Fate::FailsAfter => 1,
        Fate::Repeated => 2,
    };
    let positions = fates.iter().enumerate();
    let mut order: Vec<usize> =
        positions.flat_map(|(position, fate)| std::iter::repeat_n(position, copies(fate))).collect();
    if roll.hits(rates.reorder) {
        let before = order.clone();
        roll.rng.shuffle(&mut order);
        roll.counts.reordered += u64::from(order != before);
    }
    order
}

fn result(fate: Fate) -> Result<(), PublishError> {
    match fate {
        Fate::Published | Fate::Repeated => Ok(()),
        Fate::FailsBefore => Err(PublishError("told to fail before publishing".to_owned())),
        Fate::FailsAfter => Err(PublishError("told to fail after publishing".to_owned())),
    }
}

#[cfg(test)]
#[path = "publisher_tests.rs"]
mod tests;
