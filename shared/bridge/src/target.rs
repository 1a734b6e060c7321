//! What batches are handed to.

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_messaging::{Consumer, QueueFunction};

/// A function that did not answer, or answered nothing that makes sense.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the function failed: {0}")]
pub struct TargetError(pub String);

/// A function that takes batches of messages: in this process, or wherever else it can be invoked.
#[async_trait]
pub trait Target: Send + Sync + 'static {
    /// Takes an `SqsEvent` and gives a partial batch response, both as JSON.
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError>;
}

#[async_trait]
impl<C: Consumer> Target for QueueFunction<C> {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        self.invoke(&payload, None).await.map_err(|error| TargetError(error.to_string()))
    }
}

/// A function that takes batches of stream records.
#[async_trait]
pub trait StreamTarget: Send + Sync + 'static {
    /// Takes a batch; an error means that all of it has to come again.
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError>;
}
