//! The consumer `notification`.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use orderflow_backoff::spread;
use orderflow_messaging::{Consumer, DeadLetterCode, Delivery, Outcome, group_by_key};
use orderflow_store::{MAX_TRANSACTION_ACTIONS, Store, StoreError, Table, Write, WriteError};
use tracing::Instrument;

use crate::channel::{Channel, ChannelError, Message};
use crate::required::RequiredNotification;
use crate::table::{NOTIFICATIONS, NotificationKey, NotificationRecord, NotificationStatus};
use crate::templates::Templates;

/// The number of messages that are sent at once, and of groups of them that are recorded at once.
const CONCURRENCY: usize = 32;

/// Notifies customers how their orders ended (`order.confirmed`, `order.rejected`, `order.cancelled`, `payment.refunded`), and
/// sends the messages that were requested through the API (`notification.requested`).
pub struct NotificationConsumer {
    store: Store,
    table: Table,
    channel: Arc<dyn Channel>,
    templates: Arc<Templates>,
}

/// A notification, and the record of the request that asked for it, if there is one.
type WithRequest = (RequiredNotification, Option<NotificationRecord>);

/// The outcome of a notification that was not sent or not recorded.
type Failed = (NotificationKey, Outcome);

impl NotificationConsumer {
    /// Creates a consumer that sends through this channel and records in this store.
    pub fn new(store: &Store, channel: Arc<dyn Channel>, templates: Arc<Templates>) -> Self {
        Self { store: store.clone(), table: store.table(&NOTIFICATIONS), channel, templates }
    }

    /// Sends notifications that are not recorded as sent, and records each as soon as it is sent: after a crash only the
    /// messages that were in progress are sent again. Returns the outcomes of those that failed.
    async fn notify(&self, notifications: Vec<RequiredNotification>) -> Vec<Failed> {
        let mut recorded = match self.recorded(&notifications).await {
            Ok(recorded) => recorded,
            Err(error) => return retry_all(&notifications, &error),
        };
        let unsent =
            notifications.into_iter().filter_map(|notification| match recorded.remove(notification.key()) {
                Some(record) if record.status == NotificationStatus::Sent => None,
                request => Some((notification, request)),
            });
        futures::stream::iter(unsent)
            .map(|notification| self.send(notification))
            .buffer_unordered(CONCURRENCY)
            .ready_chunks(MAX_TRANSACTION_ACTIONS)
            .map(|sent| self.record(sent))
            .buffer_unordered(CONCURRENCY)
            .concat()
            .await
    }

    async fn recorded(
        &self,
        notifications: &[RequiredNotification],
    ) -> Result<HashMap<NotificationKey, NotificationRecord>, StoreError> {
        let keys = notifications.iter().map(|notification| notification.key().item(&self.table)).collect();
        let records: Vec<NotificationRecord> = self.table.get_all(keys).await?;
        Ok(records.into_iter().map(|record| (record.key.clone(), record)).collect())
    }

    async fn send(&self, notification: WithRequest) -> (WithRequest, Result<Message, Outcome>) {
        let pending = &notification.0;
        let result = match pending.message(&self.templates) {
            Ok(message) => match self.channel.send(&message).instrument(pending.span()).await {
                Ok(()) => Ok(message),
                Err(error) => Err(failure_outcome(&error)),
            },
            Err(error) => Err(Outcome::retry(error)),
        };
        (notification, result)
    }

    async fn record(&self, sent: Vec<(WithRequest, Result<Message, Outcome>)>) -> Vec<Failed> {
        let (mut failed, mut recording, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for ((notification, request), result) in sent {
            match result.and_then(|message| self.write(&notification, request, &message)) {
                Ok(write) => {
                    recording.push(notification.key().clone());
                    writes.push(write);
                }
                Err(outcome) => failed.push((notification.key().clone(), outcome)),
            }
        }
        let results = self.store.write_each(writes).await;
        for (key, result) in recording.into_iter().zip(results) {
            match result {
                Ok(()) => {}
                // Another consumer sent and recorded the same notification at the same time.
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => failed.push((key, Outcome::retry(error))),
            }
        }
        failed
    }

    fn write(
        &self,
        notification: &RequiredNotification,
        request: Option<NotificationRecord>,
        message: &Message,
    ) -> Result<Write, Outcome> {
        let put = |record: &NotificationRecord| Write::put(&self.table, record).map_err(Outcome::retry);
        match request {
            Some(request) => {
                let version = request.version;
                Ok(put(&request.fulfilled(message))?.if_version(version))
            }
            None => {
                let (key, traceparent) = (notification.key().clone(), notification.traceparent.clone());
                let record = NotificationRecord::sent(key, message, traceparent);
                Ok(put(&record)?.if_absent())
            }
        }
    }
}

fn retry_all(notifications: &[RequiredNotification], error: &StoreError) -> Vec<Failed> {
    let retry = |notification: &RequiredNotification| (notification.key().clone(), Outcome::retry(error));
    notifications.iter().map(retry).collect()
}

/// Returns the outcome of an event whose message was not accepted.
fn failure_outcome(error: &ChannelError) -> Outcome {
    match error {
        ChannelError::Unavailable(_) | ChannelError::RecipientUnavailable(_) => Outcome::retry(error),
        ChannelError::Refused(_) => {
            Outcome::DeadLetter { code: DeadLetterCode::MESSAGE_REFUSED, reason: error.to_string() }
        }
        ChannelError::CircuitOpen { retry_after } => {
            Outcome::Defer { reason: error.to_string(), after: spread(*retry_after) }
        }
    }
}

/// Merges the outcomes of two notifications of one event. The event is delivered again while one of them can still be
/// sent, and dead-lettered once all others are done.
fn more_urgent(one: Outcome, other: Outcome) -> Outcome {
    let urgency = |outcome: &Outcome| match outcome {
        Outcome::Retry { .. } => 3,
        Outcome::Defer { .. } => 2,
        Outcome::DeadLetter { .. } => 1,
        Outcome::Done => 0,
    };
    if urgency(&other) >= urgency(&one) { other } else { one }
}

#[async_trait]
impl Consumer for NotificationConsumer {
    fn name(&self) -> &'static str {
        "notification"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        // Of several events that call for the same notification, the first is sent.
        let (notifications, positions) = group_by_key(batch, RequiredNotification::all_of, |_, _| ());
        let mut outcomes = vec![Outcome::Done; batch.len()];
        positions.scatter_merged(self.notify(notifications).await, &mut outcomes, more_urgent);
        outcomes
    }
}
