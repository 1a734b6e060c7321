//! What a service does with events.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Event, Timestamp};

/// An event as it reaches a consumer.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub event: Event,
    /// The how manieth time it is delivered, from 1.
    pub attempt: u32,
    /// When it was first delivered. What happened long before may be delivered late: how long a consumer waits counts from here.
    pub first_at: Timestamp,
    /// Whether it goes to the dead letters if it is not done now.
    pub last_attempt: bool,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is dealt with, now or before.
    Done,
    /// It has to come again.
    Retry {
        /// Why.
        reason: String,
        /// When; none leaves it to the retry policy.
        after: Option<Duration>,
    },
    /// It was not tried, because what it needs is known to be out of order: it comes again without an attempt being counted.
    Defer {
        /// Why.
        reason: String,
        /// When.
        after: Duration,
    },
    /// It can never be dealt with.
    DeadLetter {
        /// A stable code.
        code: &'static str,
        /// Why, for a person.
        reason: String,
    },
}

impl Outcome {
    /// Come again after the policy's delay.
    pub fn retry(reason: impl ToString) -> Self {
        Self::Retry { reason: reason.to_string(), after: None }
    }
}

/// A service's handling of the events that it subscribes to.
#[async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Its name in the subscription table.
    fn name(&self) -> &'static str;

    /// Deals with a batch and gives one outcome for each delivery, in their order. Deliveries come at least once and in any order;
    /// one bad delivery must not keep its neighbours from being done.
    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome>;
}
