//! The function of a consumer: the same for every host.

use std::time::Duration;

use orderflow_bugs::is_planted;
use orderflow_domain::Timestamp;
use tracing::Instrument;

use crate::observation::{measure, record_outcome, span};
use crate::{Consumer, DeadLetterCode, Delivery, Outcome, QueueResponse, Record, RecordBatch, RetryPolicy};

/// A consumer behind the JSON contract of [`RecordBatch`].
///
/// It decodes the records and reports what the consumer answers for each. It only answers: its host decides ([`Disposition`](crate::Disposition)) and
/// acknowledges, retries or dead-letters the messages.
pub struct QueueFunction<C> {
    consumer: C,
    policy: RetryPolicy,
}

/// The payload is not a batch of records.
#[derive(Debug, thiserror::Error)]
#[error("the payload is not an SQS event: {0}")]
pub struct InvokeError(#[from] serde_json::Error);

impl<C: Consumer> QueueFunction<C> {
    /// Creates the function of a consumer. `policy` says which attempt is the last.
    pub fn new(consumer: C, policy: RetryPolicy) -> Self {
        Self { consumer, policy }
    }

    /// Returns the consumer's name.
    pub fn name(&self) -> &'static str {
        self.consumer.name()
    }

    /// Takes a batch and returns a response, both as JSON, as the Lambda Invoke API does.
    ///
    /// # Errors
    /// [`InvokeError`] if the payload is not a batch.
    pub async fn invoke(&self, payload: &[u8], time_left: Option<Duration>) -> Result<Vec<u8>, InvokeError> {
        let batch: RecordBatch = serde_json::from_slice(payload)?;
        let outcomes = self.handle(&batch.records, time_left).await;
        Ok(serde_json::to_vec(&QueueResponse::new(&batch.records, &outcomes))?)
    }

    /// Hands the events of a batch to the consumer and returns one outcome for each record, in their order. Records that are not done after
    /// `time_left` have to be retried.
    pub async fn handle(&self, records: &[Record], time_left: Option<Duration>) -> Vec<Outcome> {
        let span = tracing::error_span!("batch", service = self.consumer.name());
        self.handle_records(records, time_left).instrument(span).await
    }

    async fn handle_records(&self, records: &[Record], time_left: Option<Duration>) -> Vec<Outcome> {
        let now = Timestamp::now();
        let decoded: Vec<_> = records.iter().map(|record| self.decode(record, now)).collect();
        let deliveries: Vec<_> = decoded.iter().flatten().cloned().collect();
        let spans: Vec<_> = deliveries.iter().map(|delivery| span(self.name(), delivery)).collect();
        let outcomes = self.consume(&deliveries, time_left).await;
        for ((span, delivery), outcome) in spans.iter().zip(&deliveries).zip(&outcomes) {
            record_outcome(span, outcome, delivery.last_attempt);
        }
        let mut outcomes = outcomes.into_iter();
        let answer = |decoded: Result<Delivery, Outcome>| match decoded {
            Ok(_) => outcomes.next().unwrap_or_else(not_reached),
            Err(undecodable) => undecodable,
        };
        decoded.into_iter().map(answer).collect()
    }

    /// Decodes a record; the error is the outcome of one that is not an event.
    fn decode(&self, record: &Record, now: Timestamp) -> Result<Delivery, Outcome> {
        let undecodable = |reason| Outcome::DeadLetter { code: DeadLetterCode::UNDECODABLE, reason };
        let event = record.event().map_err(|error| undecodable(error.to_string()))?;
        if is_planted("newer-event-refused") && record.body.len() > event.to_json().len() {
            return Err(undecodable("it has unknown fields".to_owned()));
        }
        let history = record.history(now);
        let last_attempt = self.policy.is_last(history.attempts, history.first_at, now);
        let delivery =
            Delivery { event, attempt: history.attempts, first_at: history.first_at, last_attempt };
        measure(self.name(), &delivery, now);
        Ok(delivery)
    }

    /// Returns one outcome for each delivery, also if the consumer runs out of time or returns too few.
    async fn consume(&self, deliveries: &[Delivery], time_left: Option<Duration>) -> Vec<Outcome> {
        if deliveries.is_empty() {
            return Vec::new();
        }
        let handling = self.consumer.handle(deliveries);
        let outcomes = match time_left {
            None => Some(handling.await),
            Some(time_left) => tokio::time::timeout(time_left, handling).await.ok(),
        };
        let mut outcomes = outcomes.unwrap_or_else(|| {
            tracing::warn!(records = deliveries.len(), "batch ran out of time");
            Vec::new()
        });
        outcomes.resize_with(deliveries.len(), not_reached);
        outcomes
    }
}

fn not_reached() -> Outcome {
    Outcome::retry("the function ended before it reached this message")
}

#[cfg(test)]
#[path = "function_tests.rs"]
mod tests;
