//! Telling the subscribers.

use async_trait::async_trait;
use orderflow_domain::Event;

/// An event was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event was not published: {0}")]
pub struct PublishError(pub String);

/// Hands events to whatever carries them to the queues.
#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Publishes events and gives one result for each, in their order. `Ok` means that the event is durable there.
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>>;
}
