//! Handing batches to functions, and what becomes of each message by their answer.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use orderflow_domain::Timestamp;
use orderflow_messaging::{DeadLettered, ItemFailure, QueueResponse, Verdict};
use orderflow_store::{StoreError, Write};
use tokio::sync::watch;

use super::{MemoryBroker, Message, Origin};
use crate::runtime_table::Tried;
use crate::{DeadLetterRow, PutOff, Target, TargetError};

/// The `eventSource` of this broker's records.
const EVENT_SOURCE: &str = "orderflow:memory";

/// The most messages of one batch.
const MAX_BATCH: usize = 100;

/// The code of messages that were tried too often.
const EXHAUSTED: &str = "attempts-exhausted";

/// How long a message waits whose fate could not be written down.
const UNWRITTEN_DELAY: Duration = Duration::from_millis(250);

/// What becomes of a message.
enum Fate {
    Done,
    PutOff(Box<PutOff>),
    Dead(Box<DeadLetterRow>),
}

impl MemoryBroker {
    /// Delivers one batch of what is due at `now` to a consumer. Gives the number of messages that were delivered.
    pub async fn deliver(&self, consumer: &'static str, target: &Arc<dyn Target>, now: Timestamp) -> usize {
        if self.is_stopped(consumer) {
            return 0;
        }
        let messages = self.with_queue(consumer, |queue| queue.take(MAX_BATCH, now)).unwrap_or_default();
        let count = messages.len();
        if count > 0 {
            let (exhausted, messages): (Vec<_>, Vec<_>) = messages.into_iter().partition(|message| {
                self.policy.is_last(message.tried.attempts, message.tried.first_at, now)
            });
            self.bury_exhausted(consumer, exhausted, now).await;
            if !messages.is_empty() {
                self.deliver_batch(consumer, target, messages, now).await;
            }
        }
        count
    }

    /// Puts messages out of the way whose last attempt ended with the process.
    async fn bury_exhausted(&self, consumer: &'static str, messages: Vec<Message>, now: Timestamp) {
        let dead = |message: Message| {
            let reason = "every attempt ended with the process";
            let row =
                DeadLetterRow::new(consumer, &message.id, &message.body, message.tried, EXHAUSTED, reason);
            (message, Fate::Dead(Box::new(row)))
        };
        if !messages.is_empty() {
            tracing::error!(
                service = consumer,
                messages = messages.len(),
                "messages that end the process are given up"
            );
            self.settle(consumer, messages.into_iter().map(dead).collect(), now).await;
        }
    }

    async fn deliver_batch(
        &self,
        consumer: &'static str,
        target: &Arc<dyn Target>,
        mut messages: Vec<Message>,
        now: Timestamp,
    ) {
        let response = match invoke(target.clone(), &messages).await {
            Ok(response) => response,
            // One of them may be to blame: each goes alone from now on.
            Err(error) if messages.len() > 1 => {
                tracing::error!(service = consumer, %error, messages = messages.len(), "the batch failed; its messages go one by one");
                messages.iter_mut().for_each(|message| message.alone = true);
                self.with_queue(consumer, |queue| queue.put_back(messages));
                return;
            }
            Err(error) => QueueResponse { failures: vec![failure_of_all(&error)] },
        };
        let mut failure_of: HashMap<String, ItemFailure> =
            response.failures.into_iter().map(|failure| (failure.item_identifier.clone(), failure)).collect();
        let settled: Vec<(Message, Fate)> = messages
            .into_iter()
            .enumerate()
            .map(|(position, message)| {
                let fate = match failure_of.remove(&position.to_string()) {
                    None => Fate::Done,
                    Some(failure) => self.fate(consumer, &message, failure, now),
                };
                (message, fate)
            })
            .collect();
        self.settle(consumer, settled, now).await;
    }

    fn fate(&self, consumer: &str, message: &Message, failure: ItemFailure, now: Timestamp) -> Fate {
        let tried = Tried { attempts: message.tried.attempts + 1, ..message.tried };
        let reason = failure.reason.unwrap_or_default();
        if let Some(DeadLettered { code, reason }) = failure.dead_letter {
            return Fate::Dead(Box::new(DeadLetterRow::new(
                consumer,
                &message.id,
                &message.body,
                tried,
                &code,
                &reason,
            )));
        }
        match self.policy.after_failure(tried.attempts, tried.first_at, now) {
            Verdict::RetryAfter(delay) => {
                let due = now.plus(failure.retry_after_ms.map_or(delay, Duration::from_millis));
                Fate::PutOff(Box::new(PutOff::new(consumer, &message.id, &message.body, tried, due, &reason)))
            }
            Verdict::GiveUp => {
                tracing::error!(service = consumer, event.id = message.id, reason, "the message is given up");
                let row = DeadLetterRow::new(consumer, &message.id, &message.body, tried, EXHAUSTED, &reason);
                Fate::Dead(Box::new(row))
            }
        }
    }

    /// Writes the fates down, then lets the stream's mark pass. Whatever cannot be written down stays where it is kept now and comes
    /// again from memory.
    async fn settle(&self, consumer: &'static str, settled: Vec<(Message, Fate)>, now: Timestamp) {
        let count = settled.len();
        let mut writes: Vec<Write> = Vec::new();
        let mut planned: Vec<Result<Range<usize>, StoreError>> = Vec::with_capacity(count);
        for (message, fate) in &settled {
            let first = writes.len();
            planned.push(self.writes(consumer, message, fate).map(|more| {
                writes.extend(more);
                first..writes.len()
            }));
        }
        let results = self.runtime.write_each(writes).await;
        for ((message, fate), planned) in settled.into_iter().zip(planned) {
            let written = planned.and_then(|range| results[range].iter().cloned().collect::<Result<(), _>>());
            match written {
                Ok(()) => self.let_go(consumer, message, fate),
                Err(error) => {
                    tracing::error!(service = consumer, %error, "a message's fate cannot be written down; it comes again");
                    self.with_queue(consumer, |queue| queue.delay(message, now.plus(UNWRITTEN_DELAY)));
                }
            }
        }
        self.with_queue(consumer, |queue| queue.settled(count));
        self.announce(consumer);
    }

    /// Takes a message whose fate is durable from what kept it until now.
    fn let_go(&self, consumer: &str, message: Message, fate: Fate) {
        if let Fate::PutOff(row) = fate {
            let due = row.due;
            self.with_queue(consumer, |queue| queue.delay(Message::from(*row), due));
        }
        if let Origin::Stream(outstanding) = message.origin {
            outstanding.complete();
        }
    }

    /// The writes that make a fate durable. Each message has its own rows, so that all of a batch's writes are independent.
    fn writes(&self, consumer: &str, message: &Message, fate: &Fate) -> Result<Vec<Write>, StoreError> {
        let row_is_over = || match message.origin {
            Origin::PutOff => Some(self.runtime.delete_put_off(consumer, &message.id)),
            Origin::Stream(_) => None,
        };
        Ok(match fate {
            Fate::Done => row_is_over().into_iter().collect(),
            Fate::PutOff(row) => vec![self.runtime.write_put_off(row)?],
            Fate::Dead(row) => {
                std::iter::once(self.runtime.write_dead_letter(row)?).chain(row_is_over()).collect()
            }
        })
    }

    /// Delivers to a consumer until told to stop; what is in hand then is settled first.
    pub async fn run(
        self: Arc<Self>,
        consumer: &'static str,
        target: Arc<dyn Target>,
        mut stop: watch::Receiver<bool>,
    ) {
        let Some(arrivals) = self.arrivals.get(consumer) else { return };
        while !*stop.borrow() {
            if self.deliver(consumer, &target, Timestamp::now()).await > 0 {
                continue;
            }
            let due = self.with_queue(consumer, |queue| queue.next_due()).flatten();
            let wait = due.map_or(Duration::from_secs(60), |due| due.since(Timestamp::now()));
            tokio::select! {
                () = arrivals.notified() => {}
                () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

/// Invokes in a task of its own, so that a function that panics fails its batch and nothing else.
async fn invoke(target: Arc<dyn Target>, messages: &[Message]) -> Result<QueueResponse, TargetError> {
    let payload = serde_json::to_vec(&sqs_event(messages)).map_err(|error| TargetError(error.to_string()))?;
    let invocation = tokio::spawn(async move { target.invoke(payload).await });
    let answer = invocation.await.map_err(|error| TargetError(error.to_string()))??;
    serde_json::from_slice(&answer)
        .map_err(|error| TargetError(format!("it answered no batch response: {error}")))
}

fn failure_of_all(error: &TargetError) -> ItemFailure {
    let reason = Some(error.to_string());
    ItemFailure { item_identifier: "0".to_owned(), reason, retry_after_ms: None, dead_letter: None }
}

fn sqs_event(messages: &[Message]) -> SqsEvent {
    let mut event = SqsEvent::default();
    event.records =
        messages.iter().enumerate().map(|(position, message)| record(position, message)).collect();
    event
}

fn record(position: usize, message: &Message) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = Some(position.to_string());
    record.body = Some(message.body.to_string());
    record.event_source = Some(EVENT_SOURCE.to_owned());
    record.attributes = HashMap::from([
        ("ApproximateReceiveCount".to_owned(), (message.tried.attempts + 1).to_string()),
        ("ApproximateFirstReceiveTimestamp".to_owned(), message.tried.first_at.as_millis().to_string()),
    ]);
    record
}
