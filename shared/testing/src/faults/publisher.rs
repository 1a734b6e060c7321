//! A publisher with injected faults.

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

/// The outcome of one event of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventOutcome {
    Published,
    Repeated,
    FailsBefore,
    FailsAfter,
}

impl FaultyPublisher {
    /// Wraps `inner`. Rates of failure and repetition are shares of the events, the others are shares of the calls.
    pub fn new(inner: Arc<dyn Publisher>, rates: FaultRates, seed: u64) -> Self {
        Self { inner, rates, dice: Dice::new(seed) }
    }

    /// Returns the number of injected faults.
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
        let (outcomes, order, delay) = {
            let mut roll = self.dice.roll();
            let outcomes: Vec<EventOutcome> =
                events.iter().map(|_| outcome(&mut roll, &self.rates)).collect();
            let order = order(&mut roll, &self.rates, &outcomes);
            (outcomes, order, roll.delay(&self.rates))
        };
        tokio::time::sleep(delay).await;
        let answers = self.publish_those(&order, events).await;
        let mut results: Vec<_> = outcomes.into_iter().map(result).collect();
        for (position, answer) in order.into_iter().zip(answers) {
            if answer.is_err() {
                results[position] = answer;
            }
        }
        results
    }
}

fn outcome(roll: &mut Roll, rates: &FaultRates) -> EventOutcome {
    // Every decision is drawn in every call, so that a change of one rate does not affect the faults of another.
    let [before, after, repeat] =
        [rates.fail_before, rates.fail_after, rates.repeat].map(|rate| roll.hits(rate));
    match (before, after, repeat) {
        (true, _, _) => {
            roll.counts.failed_before += 1;
            EventOutcome::FailsBefore
        }
        (_, true, _) => {
            roll.counts.failed_after += 1;
            EventOutcome::FailsAfter
        }
        (_, _, true) => {
            roll.counts.repeated += 1;
            EventOutcome::Repeated
        }
        _ => EventOutcome::Published,
    }
}

/// Returns the positions of the published events, in the order of publishing.
fn order(roll: &mut Roll, rates: &FaultRates, outcomes: &[EventOutcome]) -> Vec<usize> {
    let copies = |outcome: &EventOutcome| match outcome {
        EventOutcome::FailsBefore => 0,
        EventOutcome::Published | EventOutcome::FailsAfter => 1,
        EventOutcome::Repeated => 2,
    };
    let positions = outcomes.iter().enumerate();
    let mut order: Vec<usize> =
        positions.flat_map(|(position, fate)| std::iter::repeat_n(position, copies(fate))).collect();
    if roll.hits(rates.reorder) {
        let before = order.clone();
        roll.rng.shuffle(&mut order);
        roll.counts.reordered += u64::from(order != before);
    }
    order
}

fn result(outcome: EventOutcome) -> Result<(), PublishError> {
    match outcome {
        EventOutcome::Published | EventOutcome::Repeated => Ok(()),
        EventOutcome::FailsBefore => Err(PublishError("injected failure before publishing".to_owned())),
        EventOutcome::FailsAfter => Err(PublishError("injected failure after publishing".to_owned())),
    }
}

#[cfg(test)]
#[path = "publisher_tests.rs"]
mod tests;
