//! Keeps what waits in the store, so that a consumer that is stopped or slow takes little memory and holds up no other consumer.

use std::collections::HashMap;
use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_messaging::AttemptHistory;

use super::queue::Waiting;
use super::{MemoryBroker, Message};
use crate::Delayed;

/// The delay of messages that cannot be read from the store.
const UNREAD_DELAY: Duration = Duration::from_secs(1);

/// The reason in the row of a message that was not delivered yet.
const NOT_DELIVERED: &str = "waits for its consumer";

impl MemoryBroker {
    /// Gives messages that only a stream holds rows of their own, so that the stream's cursor can pass them, and queues them. A message whose row
    /// cannot be written is queued nevertheless, and stays in the stream.
    pub(super) async fn store(&self, messages: Vec<(&'static str, Message)>) {
        let now = self.clock.now();
        let writes = messages.iter().map(|(consumer, message)| {
            let (key, history, due) = (message.row_key(), message.history, (now, Duration::ZERO));
            let row = Delayed::new(consumer, key, &message.body, history, due, NOT_DELIVERED);
            self.runtime.write_delayed(&row)
        });
        let outcomes = match writes.collect() {
            Ok(writes) => self.runtime.write_each(writes).await,
            Err(error) => vec![Err(error); messages.len()],
        };
        for ((consumer, message), outcome) in messages.into_iter().zip(outcomes) {
            let message = match outcome {
                Ok(()) => message.with_row(),
                Err(error) => {
                    tracing::warn!(consumer, %error, "a message that waits cannot be stored, so it stays in memory");
                    message
                }
            };
            self.with_queue(consumer, |queue| queue.push(message));
        }
    }

    /// Gives the ready messages of a consumer that was stopped rows of their own.
    pub(super) async fn store_ready(&self, consumer: &'static str) {
        let rowless = self.with_queue(consumer, |queue| queue.take_rowless()).unwrap_or_default();
        self.store(rowless.into_iter().map(|message| (consumer, message)).collect()).await;
    }

    /// Reads the bodies of messages that have them only in their rows. A message without a row needs no delivery: a copy of it was done
    /// meanwhile. Messages that cannot be read are delayed.
    pub(super) async fn load(
        &self,
        consumer: &'static str,
        waiting: Vec<Waiting>,
        now: Timestamp,
    ) -> Vec<Message> {
        let (mut messages, mut unread) = (Vec::with_capacity(waiting.len()), Vec::new());
        for waiting in waiting {
            match waiting {
                Waiting::Held(message) => messages.push(*message),
                Waiting::InRow { key, history } => unread.push((key, history)),
            }
        }
        if unread.is_empty() {
            return messages;
        }
        match self.runtime.delayed_with_keys(consumer, unread.iter().map(|(key, _)| &**key)).await {
            Ok(rows) => {
                let read = in_order(&unread, rows);
                let missing = unread.len() - read.len();
                self.with_queue(consumer, |queue| queue.complete(missing));
                messages.extend(read);
            }
            Err(error) => {
                tracing::warn!(consumer, %error, "messages that wait cannot be read");
                self.with_queue(consumer, |queue| queue.delay_unread(unread, now.plus(UNREAD_DELAY)));
            }
        }
        messages
    }
}

/// Returns the messages of these rows in the order of `unread`, with the attempts that memory counts.
fn in_order(unread: &[(Box<str>, AttemptHistory)], rows: Vec<Delayed>) -> Vec<Message> {
    let mut rows: HashMap<String, Delayed> =
        rows.into_iter().map(|row| (row.key().to_owned(), row)).collect();
    let found = unread.iter().filter_map(|(key, history)| {
        let message = Message::from(rows.remove(&**key)?);
        Some(Message { history: *history, ..message })
    });
    found.collect()
}
