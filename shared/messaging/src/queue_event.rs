//! What triggers a queue function.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use serde::Deserialize;
use tokio::time::Instant;

use crate::amazon_mq::AmazonMqEvent;
use crate::record::Record;
use crate::{Consumer, DeadLetterError, DeadLetterQueue, ItemFailure, QueueFunction, QueueResponse};

/// The longest that a batch is held before it fails: a function is paid for while it waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The event that triggers a queue function, told apart by its shape.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum QueueEvent {
    /// Messages of Amazon MQ for RabbitMQ.
    AmazonMq(AmazonMqEvent),
    /// Messages of SQS, or of a bridge.
    Sqs(SqsEvent),
}

/// A batch of Amazon MQ that has to come again as a whole: nothing less can be said to it.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Not every message is dealt with.
    #[error("{again} of {total} messages have to come again: {reason}")]
    Again {
        /// How many are not.
        again: usize,
        /// How many there were.
        total: usize,
        /// Why the first of them has to.
        reason: String,
    },
    /// A message that can never be dealt with has nowhere to go.
    #[error("there is no queue for dead letters: set QUEUE_URL and DEAD_LETTER_QUEUE_URL")]
    NoDeadLetterQueue,
    /// A message that can never be dealt with could not be put away.
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
}

impl<C: Consumer> QueueFunction<C> {
    /// Deals with a batch, whoever sends it. What is not done when `time_left` is over comes again.
    ///
    /// # Errors
    /// [`BatchError`] where a batch of Amazon MQ has to come again.
    pub async fn answer(
        &self,
        event: QueueEvent,
        time_left: Option<Duration>,
    ) -> Result<QueueResponse, BatchError> {
        match event {
            QueueEvent::Sqs(event) => Ok(self.handle(event, time_left).await),
            QueueEvent::AmazonMq(event) => self.handle_amazon_mq(event, time_left).await,
        }
    }

    /// The broker hands out a failed batch again at once. So one that is going to fail is held first, for as long as its failures ask for.
    async fn handle_amazon_mq(
        &self,
        event: AmazonMqEvent,
        time_left: Option<Duration>,
    ) -> Result<QueueResponse, BatchError> {
        let deadline = time_left.map(|time_left| Instant::now() + time_left);
        let records = event.into_records();
        let QueueResponse { failures } = self.handle_batch(&records, time_left).await;
        let settled = self.settle_batch(&records, &failures).await;
        if settled.is_err() {
            let pause = Instant::now() + self.pause(&records, &failures);
            tokio::time::sleep_until(deadline.map_or(pause, |deadline| pause.min(deadline))).await;
        }
        settled.map(|()| QueueResponse::default())
    }

    /// Puts dead letters away last, so that a batch that comes again leaves none each time.
    async fn settle_batch(&self, records: &[Record], failures: &[ItemFailure]) -> Result<(), BatchError> {
        let mut again = failures.iter().filter(|failure| failure.dead_letter.is_none());
        if let Some(first) = again.next() {
            let reason = first.reason.clone().unwrap_or_default();
            return Err(BatchError::Again { again: 1 + again.count(), total: records.len(), reason });
        }
        for failure in failures {
            if let (Some(record), Some(dead)) = (record_of(failure, records), &failure.dead_letter) {
                let queue = self.dead_letters().ok_or(BatchError::NoDeadLetterQueue)?;
                queue.put(record.dead_letter(dead.clone())).await?;
            }
        }
        Ok(())
    }

    /// The longest that one of the failures asks for, or gets from the retry policy.
    fn pause(&self, records: &[Record], failures: &[ItemFailure]) -> Duration {
        let delay = |failure: &ItemFailure| match (failure.retry_after_ms, record_of(failure, records)) {
            (Some(millis), _) => Duration::from_millis(millis),
            (None, record) => self.policy.delay(record.map_or(1, |record| record.attempt)),
        };
        failures.iter().map(delay).max().unwrap_or_default().min(LONGEST_PAUSE)
    }
}

fn record_of<'a>(failure: &ItemFailure, records: &'a [Record]) -> Option<&'a Record> {
    records.iter().find(|record| record.id == failure.item_identifier)
}

#[cfg(test)]
#[path = "queue_event_tests.rs"]
mod tests;
