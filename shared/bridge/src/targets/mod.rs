//! Functions that hosts invoke: over the network, behind a circuit breaker, or for table streams.

mod guarded;
mod lambda;

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_messaging::TargetError;

pub use guarded::GuardedTarget;
pub use lambda::LambdaTarget;

/// A function that takes batches of stream records.
#[async_trait]
pub trait StreamTarget: Send + Sync + 'static {
    /// Takes a batch. After an error the whole batch is delivered again.
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError>;
}
