//! Amazon MQ for RabbitMQ: <https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html>.
//!
//! Its event source mapping does not support partial batch responses: a function fails a batch as a whole, or the whole batch is acknowledged.
//! Messages are counted and logged by what happens to them: if the batch fails, all of them are retried.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use orderflow_domain::Timestamp;
use orderflow_messaging::{
    Attempt, Consumer, DeadLetter, DeadLetterError, DeadLetterQueue, Disposition, MessageField, Outcome,
    QueueResponse, Record,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::QueueHost;

/// The longest time for which a batch is held before it fails: a function is billed while it waits.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The header in which quorum queues count earlier deliveries without an acknowledgement.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// A batch of messages of a RabbitMQ broker. Only the fields used here are read: the type of `aws_lambda_events` requires properties that a message
/// need not have.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AmazonMqEvent {
    /// The messages by `queue::virtual host`.
    #[serde(rename = "rmqMessagesByQueue")]
    messages_by_queue: BTreeMap<String, Vec<Message>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    basic_properties: BasicProperties,
    #[serde(default)]
    redelivered: bool,
    #[serde(default)]
    data: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct BasicProperties {
    headers: Option<HashMap<String, Value>>,
}

/// A batch of Amazon MQ has to be delivered again as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// Some messages have to be retried.
    #[error("{retries} of {total} messages will be retried: {reason}")]
    Retry {
        /// The number of messages to retry.
        retries: usize,
        /// The number of messages in the batch.
        total: usize,
        /// The reason of the first of them.
        reason: String,
    },
    /// There is no queue for a dead letter.
    #[error("there is no dead-letter queue: set QUEUE_URL and DEAD_LETTER_QUEUE_URL")]
    NoDeadLetterQueue,
    /// A dead letter was not stored.
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
}

impl AmazonMqEvent {
    /// Returns the records of the batch, identified by queue and position, since one message can be in a batch twice.
    fn into_records(self) -> Vec<Record> {
        let queues = self.messages_by_queue.into_iter();
        let records = queues.flat_map(|(queue, messages)| {
            let messages = messages.into_iter().enumerate();
            messages.map(move |(position, message)| message.into_record(format!("{queue}/{position}")))
        });
        records.collect()
    }
}

impl Message {
    fn into_record(self, id: String) -> Record {
        let (attempt, first_at) = (self.attempt(), self.first_at());
        let body = match BASE64_STANDARD.decode(&self.data) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            // It is not an event either way; the dead letter holds what arrived.
            Err(_) => self.data,
        };
        Record {
            id,
            body: body.into(),
            event: None,
            source: "aws:rmq".to_owned(),
            receipt_handle: None,
            attempt,
            first_at,
        }
    }

    /// Returns the attempt number, starting at 1. A classic queue counts no deliveries; it only reports that there was an earlier one.
    fn attempt(&self) -> u32 {
        let delivered = self.integer(DELIVERY_COUNT).unwrap_or(i64::from(self.redelivered));
        let noted = self.integer(MessageField::Attempts.header()).unwrap_or_default();
        u32::try_from(delivered.saturating_add(noted).saturating_add(1)).unwrap_or(1)
    }

    fn first_at(&self) -> Option<Timestamp> {
        let bytes = self.header(MessageField::FirstAt.header())?["bytes"].as_array()?;
        let bytes = bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()));
        let text = String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()?;
        Timestamp::parse(&text).ok()
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.header(name)?.as_i64()
    }

    fn header(&self, name: &str) -> Option<&Value> {
        self.basic_properties.headers.as_ref()?.get(name)
    }
}

impl<C: Consumer> QueueHost<C> {
    /// Processes a batch. The broker redelivers a failed batch at once, so the host holds a batch that will fail, for the longest delay among its
    /// retries.
    pub(super) async fn handle_amazon_mq(
        &self,
        event: AmazonMqEvent,
        time_left: Option<Duration>,
    ) -> Result<QueueResponse, BatchError> {
        let deadline = time_left.map(|time_left| Instant::now() + time_left);
        let records = event.into_records();
        let outcomes = self.function.handle(&records, time_left).await;
        match self.apply_batch(&records, &outcomes).await {
            Ok(()) => Ok(QueueResponse::default()),
            Err((error, delay)) => {
                let pause = Instant::now() + delay.min(PAUSE_MAX);
                tokio::time::sleep_until(deadline.map_or(pause, |deadline| pause.min(deadline))).await;
                Err(error)
            }
        }
    }

    /// Decides about each message. Dead letters are stored only if no message has to be retried: otherwise each redelivery of the batch would store
    /// them again. An error comes with the delay before the batch fails.
    async fn apply_batch(
        &self,
        records: &[Record],
        outcomes: &[Outcome],
    ) -> Result<(), (BatchError, Duration)> {
        let (now, consumer) = (Timestamp::now(), self.function.name());
        let decide = |(record, outcome)| self.decide(record, outcome, now);
        let decided: Vec<Decided<'_>> = records.iter().zip(outcomes).map(decide).collect();
        let retries = decided.iter().filter_map(|message| match message.disposition {
            Disposition::Retry { after, .. } => Some((after, message.outcome.reason())),
            _ => None,
        });
        let retries: Vec<(Duration, &str)> = retries.collect();
        if let (Some((_, reason)), Some(longest)) =
            (retries.first(), retries.iter().map(|(after, _)| *after).max())
        {
            let (retries, reason) = (retries.len(), (*reason).to_owned());
            let error = BatchError::Retry { retries, total: records.len(), reason };
            decided.iter().for_each(|message| message.report_retry(&error, longest));
            return Err((error, longest));
        }
        let (dead, done): (Vec<_>, Vec<_>) =
            decided.iter().partition(|message| matches!(message.disposition, Disposition::DeadLetter { .. }));
        let delay = self.policy.delay(dead.iter().map(|m| m.attempt.history.attempts).max().unwrap_or(1));
        for (stored, message) in dead.iter().enumerate() {
            if let Disposition::DeadLetter { code, reason } = &message.disposition {
                let Attempt { body, history, .. } = message.attempt;
                let letter = DeadLetter::new(consumer, body, (code, reason), history, now);
                if let Err(error) = self.store(letter).await {
                    dead[stored..]
                        .iter()
                        .chain(&done)
                        .for_each(|message| message.report_retry(&error, delay));
                    return Err((error, delay));
                }
            }
            message.report();
        }
        done.iter().for_each(|message| message.report());
        Ok(())
    }

    fn decide<'a>(&self, record: &'a Record, outcome: &'a Outcome, now: Timestamp) -> Decided<'a> {
        let (consumer, history) = (self.function.name(), record.history(now));
        let attempt = Attempt { consumer, body: &record.body, history };
        Decided { attempt, outcome, disposition: Disposition::of(&attempt, outcome, &self.policy, now) }
    }

    async fn store(&self, letter: DeadLetter) -> Result<(), BatchError> {
        let queues = self.queues.as_ref().ok_or(BatchError::NoDeadLetterQueue)?;
        Ok(queues.dead_letters.put(letter).await?)
    }
}

/// A message and the decision about it. Whether it is carried out depends on the other messages of the batch.
struct Decided<'a> {
    attempt: Attempt<'a>,
    outcome: &'a Outcome,
    disposition: Disposition,
}

impl Decided<'_> {
    /// Counts and logs that the decision was carried out.
    fn report(&self) {
        self.disposition.report(&self.attempt, self.outcome.reason());
    }

    /// Counts and logs that the message is retried because its batch failed, whatever was decided about it.
    fn report_retry(&self, error: &BatchError, delay: Duration) {
        let after = delay.min(PAUSE_MAX);
        match self.disposition {
            Disposition::Retry { counted, .. } => {
                Disposition::Retry { after, counted }.report(&self.attempt, self.outcome.reason());
            }
            Disposition::Ack | Disposition::DeadLetter { .. } => {
                let reason = format!("its batch failed: {error}");
                Disposition::Retry { after, counted: true }.report(&self.attempt, &reason);
            }
        }
    }
}

#[cfg(test)]
#[path = "amazon_mq_tests.rs"]
mod tests;
