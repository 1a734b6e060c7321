//! What batches are handed to.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::SqsEvent;
use orderflow_messaging::{Consumer, ItemFailure, QueueFunction, QueueResponse};

/// A function that did not answer, or answered nothing that makes sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The function got the batch and failed: something in the batch may be to blame.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The function was not reached, or may not have been: nothing in the batch is to blame.
    #[error("the function cannot be reached: {0}")]
    Unreachable(String),
}

/// A function that takes batches of messages: in this process, or wherever else it can be invoked.
#[async_trait]
pub trait Target: Send + Sync + 'static {
    /// Takes an `SqsEvent` and gives a partial batch response, both as JSON.
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError>;
}

#[async_trait]
impl<C: Consumer> Target for QueueFunction<C> {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        self.invoke(&payload, None).await.map_err(|error| TargetError::Failed(error.to_string()))
    }
}

/// A function that takes batches of stream records.
#[async_trait]
pub trait StreamTarget: Send + Sync + 'static {
    /// Takes a batch; an error means that all of it has to come again.
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError>;
}

/// Invokes in a task of its own, so that a function that panics fails its batch and nothing else.
pub(crate) async fn invoke(target: Arc<dyn Target>, event: &SqsEvent) -> Result<QueueResponse, TargetError> {
    let failed = |error: &dyn ToString| TargetError::Failed(error.to_string());
    let payload = serde_json::to_vec(event).map_err(|error| failed(&error))?;
    let invocation = tokio::spawn(async move { target.invoke(payload).await });
    let answer = invocation.await.map_err(|error| failed(&error))??;
    let response: QueueResponse = serde_json::from_slice(&answer)
        .map_err(|error| failed(&format!("it answered no batch response: {error}")))?;
    // As with Lambda: an answer that names a record which was not in the batch leaves open what was done.
    match response.failures.iter().find(|failure| !names_one_of(event.records.len(), failure)) {
        None => Ok(response),
        Some(failure) => {
            Err(failed(&format!("it answered for an unknown record: {:?}", failure.item_identifier)))
        }
    }
}

fn names_one_of(count: usize, failure: &ItemFailure) -> bool {
    failure.item_identifier.parse::<usize>().is_ok_and(|position| position < count)
}
