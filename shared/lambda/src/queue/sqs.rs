//! Records of SQS: the host sends dead letters, changes the visibility of retries, and reports both kinds that stay in the queue.

use std::time::Duration;

use aws_config::SdkConfig;
use futures::future::join_all;
use orderflow_domain::Timestamp;
use orderflow_messaging::{
    Attempt, Consumer, DeadLetter, DeadLetterQueue, Disposition, ItemFailure, Outcome, QueueResponse, Record,
    report_unstored,
};
use orderflow_settings::declared::{DEAD_LETTER_QUEUE_URL, QUEUE_URL};
use orderflow_settings::{Reader, Refused};
use orderflow_sqs::{ConsumerQueues, Queue, QueueUrls};

use super::QueueHost;

/// The `eventSource` of records that Lambda reads from SQS.
const SQS_EVENT_SOURCE: &str = "aws:sqs";

/// Reads `QUEUE_URL` and `DEAD_LETTER_QUEUE_URL`, the queue that triggers the function and its dead-letter queue; `None` if neither is set, as behind
/// a bridge.
///
/// # Errors
/// [`Refused`] if only one of them is set.
pub(crate) fn read_queue_urls(reader: &mut Reader<'_>) -> Result<Option<QueueUrls>, Refused> {
    let queue = reader.http_url(&QUEUE_URL);
    let dead_letters = reader.http_url(&DEAD_LETTER_QUEUE_URL);
    let (set, missing) = match (reader.is_given(&QUEUE_URL), reader.is_given(&DEAD_LETTER_QUEUE_URL)) {
        (true, false) => (&QUEUE_URL, &DEAD_LETTER_QUEUE_URL),
        (false, true) => (&DEAD_LETTER_QUEUE_URL, &QUEUE_URL),
        _ => {
            return Ok(queue
                .zip(dead_letters)
                .map(|(queue, dead_letters)| QueueUrls { queue, dead_letters }));
        }
    };
    Err(reader.conflict([set, missing], |[set, missing]| {
        format!("{set} is set and {missing} is not: set both, or neither")
    }))
}

/// Creates the queues of these URLs.
pub(crate) fn consumer_queues(aws: &SdkConfig, urls: &QueueUrls) -> ConsumerQueues {
    let client = aws_sdk_sqs::Client::new(aws);
    ConsumerQueues {
        queue: Queue::new(&client, &urls.queue),
        dead_letters: Queue::new(&client, &urls.dead_letters),
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
        let attempt = Attempt { consumer, body: &record.body, history };
        let disposition = Disposition::of(&attempt, outcome, &self.policy, now);
        if let Disposition::DeadLetter { code, reason } = &disposition {
            let letter = DeadLetter::new(consumer, &record.body, (code, reason), history, now);
            if let Err(error) = self.send_dead_letter(letter).await {
                report_unstored(&attempt, &error);
                return ItemFailure::of(&record.id, outcome);
            }
        }
        disposition.report(&attempt, outcome.reason());
        match disposition {
            Disposition::Ack | Disposition::DeadLetter { .. } => None,
            Disposition::Retry { after, .. } => {
                self.change_visibility(record, after).await;
                ItemFailure::of(&record.id, outcome)
            }
        }
    }

    async fn send_dead_letter(&self, letter: DeadLetter) -> Result<(), String> {
        let queues = self.queues.as_ref();
        let queues = queues
            .ok_or_else(|| format!("set {} and {}", QUEUE_URL.variable, DEAD_LETTER_QUEUE_URL.variable))?;
        queues.dead_letters.put(letter).await.map_err(|error| error.to_string())
    }

    /// Changes the visibility timeout of a message to the delay of its retry. If that fails, the queue's own timeout applies, so a failure is only
    /// logged.
    async fn change_visibility(&self, record: &Record, delay: Duration) {
        let (Some(queues), Some(receipt)) = (&self.queues, &record.receipt_handle) else { return };
        if let Err(error) = queues.queue.change_visibility_of(receipt, delay).await {
            tracing::warn!(message.id = record.id, %error, "visibility of a message not changed");
        }
    }
}

#[cfg(test)]
#[path = "sqs_tests.rs"]
mod tests;
