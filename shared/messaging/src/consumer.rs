//! The contract of a service's consumer: a batch of events in, one outcome for each out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Event, Timestamp};

use crate::DeadLetterCode;

/// An event as a consumer receives it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub event: Arc<Event>,
    /// The attempt number, starting at 1.
    pub attempt: u32,
    /// When it was first delivered. An event can be delivered long after it happened, so a consumer's waiting times count from here.
    pub first_at: Timestamp,
    /// Whether a retry would be dead-lettered: this is the last attempt.
    pub last_attempt: bool,
}

/// A consumer's answer to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The consumer has processed the event, now or in an earlier delivery.
    Done,
    /// The event has to be delivered again, and this attempt counts.
    Retry {
        /// The reason, as text for a person.
        reason: String,
        /// The delay; `None` leaves it to the retry policy.
        after: Option<Duration>,
        /// The longest delay that the retry policy may choose.
        at_most: Option<Duration>,
    },
    /// The consumer did not try, because something it needs is known to be unavailable. The event is delivered again and no attempt counts.
    Defer {
        /// The reason, as text for a person.
        reason: String,
        /// The delay.
        after: Duration,
    },
    /// No further attempt can succeed.
    DeadLetter {
        /// A stable code.
        code: DeadLetterCode,
        /// The reason, as text for a person.
        reason: String,
    },
}

impl Outcome {
    /// Returns a retry after the policy's delay.
    pub fn retry(reason: impl ToString) -> Self {
        Self::Retry { reason: reason.to_string(), after: None, at_most: None }
    }

    /// Returns a retry after this delay.
    pub fn retry_after(reason: impl ToString, after: Duration) -> Self {
        Self::Retry { reason: reason.to_string(), after: Some(after), at_most: None }
    }

    /// Returns a retry after the policy's delay, but at most after this one: for a failure that is likely to end for all events at once, so that
    /// an event with many attempts goes on soon after its end.
    pub fn retry_within(reason: impl ToString, at_most: Duration) -> Self {
        Self::Retry { reason: reason.to_string(), after: None, at_most: Some(at_most) }
    }

    /// Returns the reason, empty for [`Outcome::Done`].
    pub fn reason(&self) -> &str {
        match self {
            Self::Done => "",
            Self::Retry { reason, .. } | Self::Defer { reason, .. } | Self::DeadLetter { reason, .. } => {
                reason
            }
        }
    }
}

/// Processes the events that a service subscribes to.
#[async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Returns the name in the subscription table.
    fn name(&self) -> &'static str;

    /// Processes a batch and returns one outcome for each delivery, in their order. Deliveries arrive at least once and in any order. A
    /// delivery that fails must not affect the outcomes of the others.
    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome>;
}
