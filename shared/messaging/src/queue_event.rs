//! What triggers a queue function.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use serde::Deserialize;

use crate::amazon_mq::AmazonMqEvent;
use crate::{Consumer, DeadLetterError, DeadLetterQueue, QueueFunction, QueueResponse};

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

    /// Puts dead letters away last, so that a batch that comes again leaves none each time.
    async fn handle_amazon_mq(
        &self,
        event: AmazonMqEvent,
        time_left: Option<Duration>,
    ) -> Result<QueueResponse, BatchError> {
        let records = event.into_records();
        let QueueResponse { failures } = self.handle_batch(&records, time_left).await;
        let (dead, again): (Vec<_>, Vec<_>) =
            failures.into_iter().partition(|failure| failure.dead_letter.is_some());
        if let Some(first) = again.first() {
            let reason = first.reason.clone().unwrap_or_default();
            return Err(BatchError::Again { again: again.len(), total: records.len(), reason });
        }
        for failure in dead {
            let record = records.iter().find(|record| record.id == failure.item_identifier);
            if let (Some(record), Some(dead)) = (record, failure.dead_letter) {
                let queue = self.dead_letters().ok_or(BatchError::NoDeadLetterQueue)?;
                queue.put(record.dead_letter(dead)).await?;
            }
        }
        Ok(QueueResponse::default())
    }
}

#[cfg(test)]
#[path = "queue_event_tests.rs"]
mod tests;
