//! Publishing events to the subscribed queues.

use async_trait::async_trait;
use orderflow_domain::Event;

/// An event was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event was not published: {0}")]
pub struct PublishError(pub String);

/// Publishes events to a broker.
#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Publishes events and returns one result for each, in their order. `Ok` means that the broker stores the event durably.
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>>;

    /// Returns whether there is a connection to the broker. The connection itself logs when it is lost and when it is back.
    fn is_connected(&self) -> bool {
        true
    }
}
