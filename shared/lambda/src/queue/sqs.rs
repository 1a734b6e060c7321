//! Records of SQS: the host sends dead letters, changes the visibility of retries, and reports both kinds that stay in the queue.

use std::time::Duration;

use aws_config::SdkConfig;
use futures::future::join_all;
use orderflow_domain::Timestamp;
use orderflow_messaging::{
    Consumer, DeadLetter, DeadLetterQueue, Delivered, Disposition, ItemFailure, Outcome, QueueResponse,
    Record, decide,
};
use orderflow_sqs::{ConsumerQueues, Queue};

use super::QueueHost;

/// The `eventSource` of records that Lambda reads from SQS.
const SQS_EVENT_SOURCE: &str = "aws:sqs";

const QUEUE_URL: &str = "QUEUE_URL";
const DEAD_LETTER_QUEUE_URL: &str = "DEAD_LETTER_QUEUE_URL";

/// One of the two settings is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{set} is set and {missing} is not: set both, or neither")]
pub(crate) struct QueueUrlsError {
    set: &'static str,
    missing: &'static str,
}

/// Reads `QUEUE_URL` and `DEAD_LETTER_QUEUE_URL`, the queue that triggers the function and its dead-letter queue; `None` if neither is set, as behind
/// a bridge.
///
/// # Errors
/// [`QueueUrlsError`] names the variable that is missing.
pub(crate) fn queues_from_environment(aws: &SdkConfig) -> Result<Option<ConsumerQueues>, QueueUrlsError> {
    let urls = urls(|name| std::env::var(name).ok().filter(|url| !url.is_empty()))?;
    let client = aws_sdk_sqs::Client::new(aws);
    Ok(urls.map(|[queue, dead_letters]| ConsumerQueues {
        queue: Queue::new(&client, &queue),
        dead_letters: Queue::new(&client, &dead_letters),
    }))
}

fn urls(variable: impl Fn(&'static str) -> Option<String>) -> Result<Option<[String; 2]>, QueueUrlsError> {
    match (variable(QUEUE_URL), variable(DEAD_LETTER_QUEUE_URL)) {
        (Some(queue), Some(dead_letters)) => Ok(Some([queue, dead_letters])),
        (None, None) => Ok(None),
        (Some(_), None) => Err(QueueUrlsError { set: QUEUE_URL, missing: DEAD_LETTER_QUEUE_URL }),
        (None, Some(_)) => Err(QueueUrlsError { set: DEAD_LETTER_QUEUE_URL, missing: QUEUE_URL }),
    }
}

impl<C: Consumer> QueueHost<C> {
    /// Processes records and returns those that stay in their queue. Acts only on those of SQS.
    pub(super) async fn handle_records(
        &self,
        records: &[Record],
        time_left: Option<Duration>,
    ) -> QueueResponse {
        let outcomes = self.function.handle(records, time_left).await;
        // Concurrently: each can be a request, and little time can be left.
        let applied = records.iter().zip(&outcomes).map(|(record, outcome)| async move {
            match record.source.as_str() {
                SQS_EVENT_SOURCE => self.apply(record, outcome).await,
                _ => ItemFailure::of(&record.id, outcome),
            }
        });
        let applied: Vec<Option<ItemFailure>> = join_all(applied).await;
        QueueResponse { failures: applied.into_iter().flatten().collect() }
    }

    /// Decides about a record of SQS and acts on it. Returns a failure if the message stays in its queue.
    async fn apply(&self, record: &Record, outcome: &Outcome) -> Option<ItemFailure> {
        let (now, consumer) = (Timestamp::now(), self.function.name());
        let history = record.history(now);
        let delivered = Delivered { consumer, body: &record.body, history };
        match decide(&delivered, outcome, &self.policy, now) {
            Disposition::Ack => None,
            Disposition::Retry { after, .. } => {
                self.change_visibility(record, after).await;
                ItemFailure::of(&record.id, outcome)
            }
            Disposition::DeadLetter { code, reason } => {
                let letter = DeadLetter::new(consumer, &record.body, (&code, &reason), history, now);
                match self.send_dead_letter(letter).await {
                    Ok(()) => None,
                    Err(error) => {
                        tracing::error!(
                            message.id = record.id,
                            error,
                            "dead letter not stored; message stays in its queue"
                        );
                        ItemFailure::of(&record.id, outcome)
                    }
                }
            }
        }
    }

    async fn send_dead_letter(&self, letter: DeadLetter) -> Result<(), String> {
        let queues = self.queues.as_ref();
        let queues = queues.ok_or_else(|| format!("set {QUEUE_URL} and {DEAD_LETTER_QUEUE_URL}"))?;
        queues.dead_letters.put(letter).await.map_err(|error| error.to_string())
    }

    /// Changes the visibility timeout of a message to the delay of its retry. If that fails, the queue's own timeout applies, so a failure is only
    /// logged.
    async fn change_visibility(&self, record: &Record, delay: Duration) {
        let (Some(queues), Some(receipt)) = (&self.queues, &record.receipt_handle) else { return };
        if let Err(error) = queues.queue.change_visibility(&[(receipt.clone(), delay)]).await {
            tracing::warn!(message.id = record.id, %error, "visibility of a message not changed");
        }
    }
}

#[cfg(test)]
#[path = "sqs_tests.rs"]
mod tests;
