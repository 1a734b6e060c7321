//! Polls SQS and delivers messages to a consumer's function, as Lambda's event source mapping does on AWS.
//!
//! A message is deleted after its function has answered and the decision is durable. A message to retry stays in the queue, invisible until its
//! retry is due. SQS counts every receive of a message, so here each receive is an attempt, also one that ended with its process or was deferred;
//! the minimum age of the retry policy makes up for that.

mod batch;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use futures::future::join_all;
use orderflow_backoff::Backoff;
use orderflow_messaging::{ConsumerSwitch, RetryPolicy, Target};
use tokio::sync::watch;

use crate::queue::MAX_ENTRIES;
use crate::{ConsumerQueues, Queue, Sqs};
use batch::{Batch, ConsumerContext, VISIBILITY};

/// How long SQS waits for a first message before it returns none (AWS maximum: 20 seconds). An emulator lets a request wait at a queue that was
/// deleted meanwhile, so it is as short as the time within which a queue that is created again has to be polled.
const LONG_POLL: Duration = Duration::from_secs(5);

/// The number of concurrent requests for more messages after the first returned as many as it can. Together they return up to a hundred messages.
const FURTHER_REQUESTS: usize = 9;

/// The delays after a request that failed.
const RETRY: Backoff = Backoff::from_millis(100, 400, 3_200);

/// Delivers the messages of one queue to its function.
pub struct SqsConsumer {
    /// The queues of the installation.
    pub queues: Arc<Sqs>,
    /// The consumer.
    pub consumer: &'static str,
    /// The consumer's function.
    pub target: Arc<dyn Target>,
    /// The retry policy.
    pub policy: RetryPolicy,
    /// Stops and starts deliveries.
    pub switch: ConsumerSwitch,
}

impl SqsConsumer {
    /// Delivers until `stop` is true; messages in flight are completed or returned first. Repeats requests that fail. Returns at once if there is no
    /// such consumer or its queues are not found.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        match self.queues.of(self.consumer).await {
            Ok(Some(queues)) => self.consume(&queues, stop).await,
            Ok(None) => tracing::error!(service = self.consumer, "no such consumer"),
            Err(error) => tracing::error!(service = self.consumer, %error, "queues not found"),
        }
    }

    async fn consume(&self, queues: &ConsumerQueues, mut stop: watch::Receiver<bool>) {
        let context =
            ConsumerContext { consumer: self.consumer, target: &self.target, policy: &self.policy, queues };
        let mut switched = self.switch.changes();
        let (mut failures, mut outage) = (0_u32, self.queues.polling().observer());
        while !*stop.borrow() {
            if self.switch.is_stopped(self.consumer) {
                self.wait_for_switch(&mut stop).await;
                continue;
            }
            // A cancelled request can have received messages: they become visible again after their visibility timeout.
            let first = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = switched.wait_for(|stopped| stopped.contains(self.consumer)) => continue,
                first = queues.queue.receive(LONG_POLL, VISIBILITY) => first,
            };
            match first {
                Ok(first) => {
                    failures = 0;
                    if outage.works() {
                        tracing::info!(service = self.consumer, "queues are polled again");
                    }
                    let messages = receive_further(&queues.queue, first).await;
                    Batch::new(context, messages).deliver(&mut stop).await;
                }
                Err(error) => {
                    failures += 1;
                    if outage.fails() {
                        tracing::warn!(service = self.consumer, %error, "queues cannot be polled; trying again");
                    }
                    pause(failures, &mut stop).await;
                }
            }
        }
    }

    async fn wait_for_switch(&self, stop: &mut watch::Receiver<bool>) {
        let mut switched = self.switch.changes();
        tokio::select! {
            _ = switched.wait_for(|stopped| !stopped.contains(self.consumer)) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

async fn pause(failures: u32, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(RETRY.delay(failures)) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Returns the first messages, and up to ninety more if the first request returned as many as one request can.
async fn receive_further(queue: &Queue, first: Vec<Message>) -> Vec<Message> {
    let mut messages = first;
    if messages.len() < MAX_ENTRIES {
        return messages;
    }
    for more in join_all((0..FURTHER_REQUESTS).map(|_| queue.receive(Duration::ZERO, VISIBILITY))).await {
        match more {
            Ok(more) => messages.extend(more),
            Err(error) => tracing::debug!(%error, "batch is smaller than it could be"),
        }
    }
    messages
}
