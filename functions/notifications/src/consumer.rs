//! The consumer `notification`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use orderflow_domain::{EventType, OrderId};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::{Store, StoreError, Table, Write, WriteError};
use tracing::Instrument;

use crate::channel::{Channel, ChannelError};
use crate::message::{Message, Recipient, message_id};
use crate::notice::{Notice, Variables};
use crate::table::{NOTIFICATIONS, NotificationRecord, range_key};
use crate::template::{Template, TemplateError, Templates};

/// How many messages are on their way at once.
const AT_A_TIME: usize = 32;

/// The code of events whose message was refused for good.
const REFUSED: &str = "message-refused";

/// Tells customers how their orders ended (`order.confirmed`, `order.rejected`, `order.cancelled`, `payment.refunded`).
pub struct NotificationConsumer {
    store: Store,
    table: Table,
    channel: Arc<dyn Channel>,
    templates: Templates,
}

/// What makes a notification the only one of its kind.
type Key = (OrderId, String);

/// A notification that the batch asks for.
struct Task {
    key: Key,
    template: Template,
    variables: Variables,
    recipient: Recipient,
    event_type: EventType,
    traceparent: Option<String>,
    /// Where its deliveries stand in the batch.
    positions: Vec<usize>,
}

impl NotificationConsumer {
    /// A consumer that sends through this channel and records in this store.
    pub fn new(store: &Store, channel: Arc<dyn Channel>) -> Self {
        Self {
            store: store.clone(),
            table: store.table(&NOTIFICATIONS),
            channel,
            templates: Templates::built_in(),
        }
    }

    /// Sends and records what the batch asks for. Gives the tasks that are not done, with what is to become of their events.
    async fn notify(&self, tasks: Vec<Task>) -> Vec<(Task, Outcome)> {
        let recorded = match self.recorded(&tasks).await {
            Ok(recorded) => recorded,
            Err(error) => return all_again(tasks, &error),
        };
        let missing = tasks.into_iter().filter(|task| !recorded.contains(&task.key));
        let sent: Vec<(Task, Result<Message, Outcome>)> =
            futures::stream::iter(missing).map(|task| self.send(task)).buffered(AT_A_TIME).collect().await;
        self.record(sent).await
    }

    async fn recorded(&self, tasks: &[Task]) -> Result<HashSet<Key>, StoreError> {
        let key = |task: &Task| {
            let (order_id, id) = &task.key;
            self.table.key_with_range(order_id.to_string(), id)
        };
        let keys = tasks.iter().map(key).collect();
        let records: Vec<NotificationRecord> = self.table.get_all(keys).await?;
        Ok(records.into_iter().map(|record| (record.order_id, record.id)).collect())
    }

    async fn send(&self, task: Task) -> (Task, Result<Message, Outcome>) {
        let result = match self.message(&task) {
            Ok(message) => match self.channel.send(&message).instrument(task.span()).await {
                Ok(()) => Ok(message),
                Err(error) => Err(not_taken(&error)),
            },
            Err(error) => Err(Outcome::retry(error)),
        };
        (task, result)
    }

    fn message(&self, task: &Task) -> Result<Message, TemplateError> {
        let channel = task.recipient.channel();
        let rendered = self.templates.render(task.template, channel, &task.variables)?;
        let order_id = task.variables.order_id;
        Ok(Message {
            id: message_id(order_id, task.template, channel),
            order_id,
            template: task.template,
            recipient: task.recipient.clone(),
            subject: rendered.subject,
            body: rendered.body,
        })
    }

    async fn record(&self, sent: Vec<(Task, Result<Message, Outcome>)>) -> Vec<(Task, Outcome)> {
        let (mut not_done, mut recording, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for (task, result) in sent {
            match result.and_then(|message| self.write(&task, &message)) {
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

    fn write(&self, task: &Task, message: &Message) -> Result<Write, Outcome> {
        let record = NotificationRecord::sent(message, task.traceparent.clone());
        let write = Write::put(&self.table, &record).map_err(Outcome::retry)?;
        Ok(write.if_absent())
    }
}

/// One task for each notification that the batch asks for, however often it does.
fn tasks(batch: &[Delivery]) -> Vec<Task> {
    let mut position_of: HashMap<Key, usize> = HashMap::new();
    let mut tasks: Vec<Task> = Vec::with_capacity(batch.len());
    for (position, delivery) in batch.iter().enumerate() {
        let Some(notice) = Notice::of(&delivery.event.data) else {
            continue;
        };
        for recipient in &notice.recipients {
            let id = range_key(notice.template, recipient.channel());
            let key = (notice.variables.order_id, id);
            if let Some(known) = position_of.get(&key) {
                tasks[*known].positions.push(position);
                continue;
            }
            position_of.insert(key.clone(), tasks.len());
            tasks.push(Task {
                key,
                template: notice.template,
                variables: notice.variables.clone(),
                recipient: recipient.clone(),
                event_type: delivery.event.event_type(),
                traceparent: delivery.event.traceparent.clone(),
                positions: vec![position],
            });
        }
    }
    tasks
}

fn all_again(tasks: Vec<Task>, error: &StoreError) -> Vec<(Task, Outcome)> {
    tasks.into_iter().map(|task| (task, Outcome::retry(error))).collect()
}

fn not_taken(error: &ChannelError) -> Outcome {
    match error {
        ChannelError::Unavailable(_) => Outcome::retry(error),
        ChannelError::Refused(_) => Outcome::DeadLetter { code: REFUSED, reason: error.to_string() },
    }
}

impl Task {
    /// Whatever is logged while the message is on its way belongs to this order and event.
    fn span(&self) -> tracing::Span {
        let trace_id = self.traceparent.as_deref().and_then(orderflow_domain::trace_id);
        tracing::error_span!(
            "send",
            order.id = %self.variables.order_id,
            event.r#type = self.event_type.as_str(),
            trace.id = trace_id,
        )
    }
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
                // An event whose other message may still go out comes again, and is given up when only the refused one is left.
                if !matches!(outcomes[position], Outcome::Retry { .. }) {
                    outcomes[position] = outcome.clone();
                }
            }
        }
        outcomes
    }
}
