//! The queue function's host on Lambda: decides about each delivery of SQS and Amazon MQ, and acts on the decision.
//!
//! Lambda's event source mapping of SQS knows only "not done", so for those records the host sends dead letters and changes the visibility of retries
//! itself. Records of another host (an `eventSource` other than `aws:sqs`) are only answered: that host decides, counts and acts.

mod amazon_mq;
mod sqs;
#[cfg(test)]
mod stub;

use std::time::Duration;

use orderflow_messaging::{Consumer, QueueFunction, QueueResponse, RecordBatch, RetryPolicy};
use orderflow_sqs::ConsumerQueues;
use serde::Deserialize;

use amazon_mq::AmazonMqEvent;

pub(crate) use amazon_mq::BatchError;
pub(crate) use sqs::{consumer_queues, read_queue_urls};

/// The event that triggers a queue function, distinguished by its shape.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum QueueEvent {
    /// Messages of Amazon MQ for RabbitMQ.
    AmazonMq(AmazonMqEvent),
    /// Messages of SQS, or of another host.
    Records(RecordBatch),
}

/// A consumer's function with its queues on SQS.
pub(crate) struct QueueHost<C> {
    function: QueueFunction<C>,
    policy: RetryPolicy,
    queues: Option<ConsumerQueues>,
}

impl<C: Consumer> QueueHost<C> {
    /// Creates the host of a consumer. Without queues it can neither store dead letters nor change visibilities.
    pub(crate) fn new(consumer: C, policy: RetryPolicy, queues: Option<ConsumerQueues>) -> Self {
        Self { function: QueueFunction::new(consumer, policy.clone()), policy, queues }
    }

    /// Processes an event of any source. Messages that are not done after `time_left` have to be retried.
    ///
    /// # Errors
    /// [`BatchError`] if a batch of Amazon MQ has to be delivered again.
    pub(crate) async fn handle(
        &self,
        event: QueueEvent,
        time_left: Option<Duration>,
    ) -> Result<QueueResponse, BatchError> {
        match event {
            QueueEvent::Records(batch) => Ok(self.handle_records(&batch.records, time_left).await),
            QueueEvent::AmazonMq(event) => self.handle_amazon_mq(event, time_left).await,
        }
    }
}
