//! The consumer `notification`.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use orderflow_backoff::spread;
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::{MAX_TRANSACTION_ACTIONS, Store, StoreError, Table, Write, WriteError};
use tracing::Instrument;

use crate::channel::{Channel, ChannelError};
use crate::message::Message;
use crate::table::{NOTIFICATIONS, NotificationKey, NotificationRecord, NotificationStatus};
use crate::task::{Task, tasks};
use crate::templates::Templates;

/// How many messages are on their way at once, and how many groups of them are recorded at once.
const AT_A_TIME: usize = 32;

/// The code of events whose message was refused for good.
const REFUSED: &str = "message-refused";

/// Tells customers how their orders ended (`order.confirmed`, `order.rejected`, `order.cancelled`, `payment.refunded`), and whatever else
/// somebody asks for (`notification.requested`).
pub struct NotificationConsumer {
    store: Store,
    table: Table,
    channel: Arc<dyn Channel>,
    templates: Arc<Templates>,
}

/// A task, and the record of the request behind it, if there is one.
type Pending = (Task, Option<NotificationRecord>);

impl NotificationConsumer {
    /// A consumer that sends through this channel and records in this store.
    pub fn new(store: &Store, channel: Arc<dyn Channel>, templates: Arc<Templates>) -> Self {
        Self { store: store.clone(), table: store.table(&NOTIFICATIONS), channel, templates }
    }

    /// Sends what the batch asks for, and records each message as soon as it is sent: whoever cuts this off has only those sent again that
    /// were on their way. Gives the tasks that are not done, with what is to become of their events.
    async fn notify(&self, tasks: Vec<Task>) -> Vec<(Task, Outcome)> {
        let mut recorded = match self.recorded(&tasks).await {
            Ok(recorded) => recorded,
            Err(error) => return all_again(tasks, &error),
        };
        let pending = tasks.into_iter().filter_map(|task| match recorded.remove(task.key()) {
            Some(record) if record.status == NotificationStatus::Sent => None,
            request => Some((task, request)),
        });
        futures::stream::iter(pending)
            .map(|pending| self.send(pending))
            .buffer_unordered(AT_A_TIME)
            .ready_chunks(MAX_TRANSACTION_ACTIONS)
            .map(|sent| self.record(sent))
            .buffer_unordered(AT_A_TIME)
            .concat()
            .await
    }

    async fn recorded(
        &self,
        tasks: &[Task],
    ) -> Result<HashMap<NotificationKey, NotificationRecord>, StoreError> {
        let keys = tasks.iter().map(|task| task.key().item(&self.table)).collect();
        let records: Vec<NotificationRecord> = self.table.get_all(keys).await?;
        Ok(records.into_iter().map(|record| (record.key.clone(), record)).collect())
    }

    async fn send(&self, pending: Pending) -> (Pending, Result<Message, Outcome>) {
        let result = match pending.0.message(&self.templates) {
            Ok(message) => match self.channel.send(&message).instrument(pending.0.span()).await {
                Ok(()) => Ok(message),
                Err(error) => Err(not_taken(&error)),
            },
            Err(error) => Err(Outcome::retry(error)),
        };
        (pending, result)
    }

    async fn record(&self, sent: Vec<(Pending, Result<Message, Outcome>)>) -> Vec<(Task, Outcome)> {
        let (mut not_done, mut recording, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for ((task, request), result) in sent {
            match result.and_then(|message| self.write(&task, request, &message)) {
                Ok(write) => {
                    recording.push(task);
                    writes.push(write);
                }
                Err(outcome) => not_done.push((task, outcome)),
            }
        }
        let results = self.store.write_each(writes).await;
        for (task, result) in recording.into_iter().zip(results) {
            match result {
                Ok(()) => {}
                // Another worker had the same event in hand.
                Err(WriteError::ConditionFailed(_)) => {}
                Err(WriteError::Store(error)) => not_done.push((task, Outcome::retry(error))),
            }
        }
        not_done
    }

    fn write(
        &self,
        task: &Task,
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
                let record = NotificationRecord::sent(task.key().clone(), message, task.traceparent.clone());
                Ok(put(&record)?.if_absent())
            }
        }
    }
}

fn all_again(tasks: Vec<Task>, error: &StoreError) -> Vec<(Task, Outcome)> {
    tasks.into_iter().map(|task| (task, Outcome::retry(error))).collect()
}

fn not_taken(error: &ChannelError) -> Outcome {
    match error {
        ChannelError::Unavailable(_) | ChannelError::PutOff(_) => Outcome::retry(error),
        ChannelError::Refused(_) => Outcome::DeadLetter { code: REFUSED, reason: error.to_string() },
        ChannelError::LeftAlone(open) => {
            Outcome::Defer { reason: error.to_string(), after: spread(open.retry_after) }
        }
    }
}

/// What becomes of an event of which one message asks for this and the other for that. While one may still go out it comes again; it is
/// given up when only the refused one is left.
fn more_pressing(one: Outcome, other: Outcome) -> Outcome {
    let urgency = |outcome: &Outcome| match outcome {
        Outcome::Retry { .. } => 3,
        Outcome::Defer { .. } => 2,
        Outcome::DeadLetter { .. } => 1,
        Outcome::Done => 0,
    };
    if urgency(&one) >= urgency(&other) { one } else { other }
}

#[async_trait]
impl Consumer for NotificationConsumer {
    fn name(&self) -> &'static str {
        "notification"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; batch.len()];
        for (task, outcome) in self.notify(tasks(batch)).await {
            for position in task.positions {
                let other = std::mem::replace(&mut outcomes[position], Outcome::Done);
                outcomes[position] = more_pressing(outcome.clone(), other);
            }
        }
        outcomes
    }
}
