//! The operator's view of the queues, the same for every broker: counts, dead letters, replay, purge.

use std::collections::HashMap;

use async_trait::async_trait;
use orderflow_domain::Event;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::DeadLetter;

/// The message counts of a consumer's queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueStatus {
    /// The consumer whose queue it is.
    pub consumer: String,
    /// Messages that wait for delivery.
    pub ready: u64,
    /// Messages delivered and not yet acknowledged, as far as the answering process knows.
    pub in_flight: u64,
    /// Messages that wait for their retry.
    pub delayed: u64,
    /// Messages in the dead-letter queue.
    pub dead: u64,
}

/// Selects dead letters of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those with these ids.
    Ids(Vec<String>),
    /// Those with this code.
    Code(String),
}

impl Selection {
    /// Returns whether the selection includes this dead letter.
    pub fn includes(&self, letter: &DeadLetter) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&letter.id),
            Self::Code(code) => *code == letter.code,
        }
    }
}

/// The broker did not answer, or refused a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queues cannot be reached: {0}")]
pub struct AdminError(pub String);

/// Called after each replayed message.
pub type ReplayProgress<'a> = &'a (dyn Fn() + Send + Sync);

/// Administers the queues and dead letters of all consumers. The consumers are those of [`SUBSCRIPTIONS`](crate::SUBSCRIPTIONS); any other name
/// has no queue and no dead letters.
///
/// An operation that is interrupted leaves each message in at least one queue, so that running it again completes it.
#[async_trait]
pub trait QueueAdmin: Send + Sync + 'static {
    /// Returns the counts of each queue, in the order of the subscriptions.
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError>;

    /// Returns the dead letters of a consumer, oldest first as far as the broker keeps them in order.
    async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetter>, AdminError>;

    /// Replaces the body of a dead letter, which stays in the dead-letter queue. Returns false if no dead letter has this id.
    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError>;

    /// Returns the bodies of the messages of a consumer that wait for delivery or for their retry, as far as the broker can show them. None for
    /// brokers that cannot.
    async fn waiting(&self, _consumer: &str) -> Result<Vec<String>, AdminError> {
        Ok(Vec::new())
    }

    /// Replaces the bodies of messages that [`Self::waiting`] returned, each by the body under its own. Returns how many changed. Messages that
    /// are delivered meanwhile keep theirs.
    async fn rewrite(
        &self,
        _consumer: &str,
        _replacements: &HashMap<String, String>,
    ) -> Result<usize, AdminError> {
        Ok(0)
    }

    /// Deletes dead letters permanently. Returns how many.
    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError>;

    /// Sends dead letters back to their consumer's queue, with their attempts reset to zero. Returns how many.
    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: ReplayProgress<'_>,
    ) -> Result<u64, AdminError>;
}
