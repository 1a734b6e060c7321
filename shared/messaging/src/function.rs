//! The function that a queue triggers.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use futures::future::join_all;
use orderflow_domain::{Event, Timestamp};
use tracing::{Instrument, Span};

use crate::measure::{self, Fate};
use crate::record::{Origin, Record};
use crate::{
    Consumer, DeadLetterQueue, DeadLettered, Delivery, ItemFailure, Outcome, QueueResponse, RetryPolicy,
    SqsDeadLetterQueue, SqsQueue, Verdict, spans,
};

/// The `eventSource` of records that come from SQS itself.
pub const SQS_EVENT_SOURCE: &str = "aws:sqs";

/// The code of messages that are no event of the consumer's.
const UNDECODABLE: &str = "undecodable";

/// The code of messages that were tried too often.
const EXHAUSTED: &str = "attempts-exhausted";

/// A consumer under the queue contract: `SqsEvent` in, the records that are not done out.
///
/// Records of a bridge (`eventSource` other than `aws:sqs`) are answered with what is to become of them. For records of
/// SQS, which knows only "not done", the function itself sends poison, and what was tried too often, to the
/// dead-letter queue and hides what is to come again. Messages of Amazon MQ, which knows nothing but failed batches, come in
/// by [`QueueFunction::answer`].
pub struct QueueFunction<C> {
    consumer: C,
    pub(crate) policy: RetryPolicy,
    sqs: Option<SqsQueue>,
}

/// A payload that is no `SqsEvent`.
#[derive(Debug, thiserror::Error)]
#[error("the payload is no SQS event: {0}")]
pub struct InvokeError(#[from] serde_json::Error);

impl<C: Consumer> QueueFunction<C> {
    /// The function of a consumer.
    pub fn new(consumer: C, policy: RetryPolicy, sqs: Option<SqsQueue>) -> Self {
        Self { consumer, policy, sqs }
    }

    /// The consumer's name.
    pub fn name(&self) -> &'static str {
        self.consumer.name()
    }

    /// Takes and gives JSON, as the Lambda Invoke API does.
    ///
    /// # Errors
    /// [`InvokeError`] where the payload is no `SqsEvent`.
    pub async fn invoke(&self, payload: &[u8], time_left: Option<Duration>) -> Result<Vec<u8>, InvokeError> {
        let event = serde_json::from_slice(payload)?;
        let response = self.handle(event, time_left).await;
        Ok(serde_json::to_vec(&response)?)
    }

    /// Deals with a batch. What is not done when `time_left` is over is handed back.
    pub async fn handle(&self, event: SqsEvent, time_left: Option<Duration>) -> QueueResponse {
        let records: Vec<Record> = event.records.into_iter().map(Record::from).collect();
        self.handle_batch(&records, time_left).await
    }

    pub(crate) async fn handle_batch(
        &self,
        records: &[Record],
        time_left: Option<Duration>,
    ) -> QueueResponse {
        let span = tracing::error_span!("batch", service = self.consumer.name());
        self.handle_records(records, time_left).instrument(span).await
    }

    async fn handle_records(&self, records: &[Record], time_left: Option<Duration>) -> QueueResponse {
        let now = Timestamp::now();
        let mut failures = Vec::new();
        let (mut deliveries, mut arrivals) = (Vec::new(), Vec::new());
        for record in records {
            match Event::from_json(&record.body) {
                Ok(event) => {
                    let (attempt, first_at) = (record.attempt, record.first_at(&event, now));
                    let last_attempt = self.policy.is_last(attempt, first_at, now);
                    let delivery = Delivery { event, attempt, first_at, last_attempt };
                    measure::delivered(self.name(), &delivery, now);
                    arrivals.push(Arrival { record, span: spans::of_delivery(self.name(), &delivery) });
                    deliveries.push(delivery);
                }
                Err(error) => {
                    // The whole reason quotes the message, which may hold an address: it is for the dead letter alone.
                    log_dead(record, UNDECODABLE, &error.without_content());
                    measure::settled(self.name(), Fate::DeadLettered);
                    failures.extend(self.dead_letter(record, UNDECODABLE, &error.to_string()).await);
                }
            }
        }
        let outcomes = self.outcomes(&deliveries, time_left).await;
        let settling = arrivals.into_iter().zip(&deliveries).zip(outcomes);
        // Together, since each may be a request and little time may be left.
        let settling = settling.map(|((arrival, delivery), outcome)| self.settle(arrival, delivery, outcome));
        failures.extend(join_all(settling).await.into_iter().flatten());
        QueueResponse { failures }
    }

    /// One outcome for each delivery, whatever the consumer does.
    async fn outcomes(&self, deliveries: &[Delivery], time_left: Option<Duration>) -> Vec<Outcome> {
        if deliveries.is_empty() {
            return Vec::new();
        }
        let handling = self.consumer.handle(deliveries);
        let outcomes = match time_left {
            None => Some(handling.await),
            Some(time_left) => tokio::time::timeout(time_left, handling).await.ok(),
        };
        let mut outcomes = outcomes.unwrap_or_else(|| {
            tracing::warn!(records = deliveries.len(), "out of time: the batch is handed back");
            Vec::new()
        });
        outcomes.resize(deliveries.len(), Outcome::retry("it was not reached"));
        outcomes
    }

    async fn settle(
        &self,
        Arrival { record, span }: Arrival<'_>,
        delivery: &Delivery,
        outcome: Outcome,
    ) -> Option<ItemFailure> {
        let fate = self.fate(delivery, &outcome);
        measure::settled(self.name(), fate);
        spans::settle(&span, fate);
        match outcome {
            Outcome::Done => None,
            Outcome::DeadLetter { code, reason } => {
                log_dead(record, code, &reason);
                self.dead_letter(record, code, &reason).await
            }
            Outcome::Defer { reason, after } => {
                log_again(record, &delivery.event, &reason);
                self.defer(record, reason, after).await
            }
            Outcome::Retry { reason, after } => {
                log_again(record, &delivery.event, &reason);
                self.retry(record, delivery, reason, after).await
            }
        }
    }

    /// What is to become of a record. Whoever reads the answer gives up by the same policy.
    fn fate(&self, delivery: &Delivery, outcome: &Outcome) -> Fate {
        match outcome {
            Outcome::Done => Fate::Done,
            Outcome::Defer { .. } => Fate::Deferred,
            Outcome::Retry { .. } => match self.after_failure(delivery) {
                Verdict::GiveUp => Fate::DeadLettered,
                Verdict::RetryAfter(_) => Fate::Retried,
            },
            Outcome::DeadLetter { .. } => Fate::DeadLettered,
        }
    }

    fn after_failure(&self, delivery: &Delivery) -> Verdict {
        self.policy.after_failure(delivery.attempt, delivery.first_at, Timestamp::now())
    }

    /// Has a record come again. With SQS its time is decided here, and its end for everybody who is no bridge: that does it when it reads
    /// the answer.
    async fn retry(
        &self,
        record: &Record,
        delivery: &Delivery,
        reason: String,
        after: Option<Duration>,
    ) -> Option<ItemFailure> {
        if record.origin != Origin::Bridge
            && let Some(queue) = &self.sqs
        {
            match self.after_failure(delivery) {
                Verdict::RetryAfter(delay) => change_visibility(queue, record, after.unwrap_or(delay)).await,
                Verdict::GiveUp => {
                    log_dead(record, EXHAUSTED, &reason);
                    return self.dead_letter(record, EXHAUSTED, &reason).await;
                }
            }
        }
        Some(ItemFailure { retry_after_ms: after.map(millis), ..ItemFailure::again(&record.id, reason) })
    }

    /// Has a record come again that was not tried. SQS counts its receipt all the same; the age that a delivery has to reach before it
    /// is given up makes up for that.
    async fn defer(&self, record: &Record, reason: String, after: Duration) -> Option<ItemFailure> {
        if let Some(queue) = &self.sqs {
            change_visibility(queue, record, after).await;
        }
        Some(ItemFailure {
            retry_after_ms: Some(millis(after)),
            deferred: true,
            ..ItemFailure::again(&record.id, reason)
        })
    }

    /// Puts a record out of the way. With SQS that is done here; others do it when they read the answer.
    async fn dead_letter(&self, record: &Record, code: &str, reason: &str) -> Option<ItemFailure> {
        let dead = DeadLettered { code: code.to_owned(), reason: reason.to_owned() };
        let failure =
            ItemFailure { dead_letter: Some(dead.clone()), ..ItemFailure::again(&record.id, reason) };
        let (Origin::Sqs, Some(queue)) = (record.origin, self.dead_letters()) else {
            return Some(failure);
        };
        match queue.put(record.dead_letter(dead)).await {
            Ok(()) => None,
            Err(error) => {
                tracing::error!(message.id = record.id, %error, "the dead letter stays in its queue for now");
                Some(failure)
            }
        }
    }

    pub(crate) fn dead_letters(&self) -> Option<&SqsDeadLetterQueue> {
        self.sqs.as_ref().map(SqsQueue::dead_letters)
    }
}

/// A record on its way through the consumer.
struct Arrival<'a> {
    record: &'a Record,
    span: Span,
}

/// Has SQS hide its message for this long.
async fn change_visibility(queue: &SqsQueue, record: &Record, delay: Duration) {
    if let (Origin::Sqs, Some(receipt_handle)) = (record.origin, &record.receipt_handle) {
        queue.change_visibility(receipt_handle, delay).await;
    }
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

fn log_again(record: &Record, event: &Event, reason: &str) {
    tracing::warn!(
        order.id = event.order_id().map(tracing::field::display),
        event.r#type = event.event_type().as_str(),
        trace.id = event.trace_id(),
        attempt = record.attempt,
        reason,
        "the event has to come again"
    );
}

fn log_dead(record: &Record, code: &str, reason: &str) {
    tracing::error!(message.id = record.id, code, reason, "the message goes to the dead letters");
}

#[cfg(test)]
#[path = "function_tests.rs"]
mod tests;
