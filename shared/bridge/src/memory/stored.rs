//! Keeps waiting messages in the store, so that a consumer that is stopped or slow takes little memory and holds up no other consumer.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::atomic::Ordering;
use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_messaging::AttemptHistory;
use orderflow_store::StoreError;

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
        if !messages.is_empty() {
            self.report(outcomes.iter().find_map(|outcome| outcome.as_ref().err()));
        }
        for ((consumer, message), outcome) in messages.into_iter().zip(outcomes) {
            let message = match outcome {
                Ok(()) => message.with_row(),
                Err(_) => message,
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
                self.report(None::<&StoreError>);
                let read = in_order(&unread, rows);
                let missing = unread.len() - read.len();
                self.with_queue(consumer, |queue| queue.complete(missing));
                messages.extend(read);
            }
            Err(error) => {
                self.report(Some(&error));
                self.with_queue(consumer, |queue| queue.delay_unread(unread, now.plus(UNREAD_DELAY)));
            }
        }
        messages
    }

    /// Logs the begin and the end of a time in which the rows of waiting messages cannot be written or read.
    fn report(&self, error: Option<&impl Display>) {
        let was_cut_off = self.is_cut_off.swap(error.is_some(), Ordering::AcqRel);
        match error {
            Some(error) if !was_cut_off => {
                tracing::warn!(%error, "messages that wait cannot be stored or read; they stay in memory until it works again");
            }
            None if was_cut_off => tracing::info!("messages that wait are stored and read again"),
            _ => {}
        }
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
