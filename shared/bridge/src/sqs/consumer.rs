//! From a queue to its function.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use futures::future::join_all;
use orderflow_messaging::RetryPolicy;
use orderflow_sqs::{ConsumerQueues, MAX_ENTRIES, Queue, Sqs, SqsError};
use tokio::sync::watch;

use super::batch::Batch;
use crate::{ConsumerSwitch, Target};

/// How long SQS may wait for a first message before it says that there is none (AWS limit: 20 seconds).
const LONG_POLL: Duration = Duration::from_secs(20);

/// How long what was taken is hidden from others. It is hidden again and again while it is worked on; this is how long what a dead process
/// had in hand is waited for.
pub(super) const VISIBILITY: Duration = Duration::from_secs(30);

/// Requests for more messages that are made at once where there were enough for the first: a batch has up to a hundred.
const MORE: usize = 9;

/// Hands the messages of one queue to its function.
pub struct SqsConsumer {
    /// The queues.
    pub queues: Arc<Sqs>,
    /// Whose queue it is.
    pub consumer: &'static str,
    /// The function.
    pub target: Arc<dyn Target>,
    /// When failed deliveries come again.
    pub policy: RetryPolicy,
    /// Stops it for a while.
    pub switch: ConsumerSwitch,
}

impl SqsConsumer {
    /// Consumes until told to stop; what is in hand then is settled first. Asks again where SQS does not answer.
    /// Ends at once where there is no such consumer, or its queues are not found.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        match self.queues.of(self.consumer).await {
            Ok(Some(queues)) => self.consume(&queues, stop).await,
            Ok(None) => tracing::error!(service = self.consumer, "there is no such consumer"),
            Err(error) => tracing::error!(service = self.consumer, %error, "there is nothing to consume"),
        }
    }

    async fn consume(&self, queues: &ConsumerQueues, mut stop: watch::Receiver<bool>) {
        let mut switched = self.switch.changes();
        let mut failures = 0_u32;
        while !*stop.borrow() {
            if self.switch.is_stopped(self.consumer) {
                self.wait_for_switch(&mut stop).await;
                continue;
            }
            // What a request that is given up may have taken comes again when it is visible again.
            let first = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = switched.wait_for(|stopped| stopped.contains(self.consumer)) => continue,
                first = queues.queue.receive(LONG_POLL, VISIBILITY) => first,
            };
            match first {
                Ok(first) => {
                    failures = 0;
                    let messages = gather(&queues.queue, first).await;
                    Batch::new(self, queues, messages).settle(&mut stop).await;
                }
                Err(error) => {
                    failures += 1;
                    self.pause(&error, failures, &mut stop).await;
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

    async fn pause(&self, error: &SqsError, failures: u32, stop: &mut watch::Receiver<bool>) {
        tracing::warn!(service = self.consumer, %error, "the queue cannot be consumed; trying again");
        let pause = crate::RECONNECT.delay(failures);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// A batch: what came first, and where that is as much as one answer holds, what else there is.
async fn gather(queue: &Queue, first: Vec<Message>) -> Vec<Message> {
    let mut messages = first;
    if messages.len() < MAX_ENTRIES {
        return messages;
    }
    for more in join_all((0..MORE).map(|_| queue.receive(Duration::ZERO, VISIBILITY))).await {
        match more {
            Ok(more) => messages.extend(more),
            Err(error) => tracing::debug!(%error, "the batch is smaller than it could be"),
        }
    }
    messages
}
