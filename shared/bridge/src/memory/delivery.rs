//! Handing batches to functions, and what becomes of each message by their answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use orderflow_domain::Timestamp;
use orderflow_messaging::{DeadLettered, ItemFailure, QueueResponse, Verdict};
use tokio::sync::watch;

use super::settle::Fate;
use super::{MemoryBroker, Message, Origin};
use crate::runtime_table::Tried;
use crate::{DeadLetterRow, PutOff, Target, TargetError};

/// The `eventSource` of this broker's records.
const EVENT_SOURCE: &str = "orderflow:memory";

/// The most messages of one batch.
const MAX_BATCH: usize = 100;

/// The code of messages that were tried too often.
const EXHAUSTED: &str = "attempts-exhausted";

/// How long a consumer with nothing to do sleeps at most. Arrivals wake it; this bounds what a clock that jumps can cost.
const IDLE: Duration = Duration::from_secs(60);

impl MemoryBroker {
    /// Delivers one batch of what is due at `now` to a consumer. Gives the number of messages that were delivered.
    pub async fn deliver(&self, consumer: &'static str, target: &Arc<dyn Target>, now: Timestamp) -> usize {
        if self.is_stopped(consumer) {
            return 0;
        }
        let messages = self.with_queue(consumer, |queue| queue.take(MAX_BATCH, now)).unwrap_or_default();
        let count = messages.len();
        if count > 0 {
            let (exhausted, messages): (Vec<_>, Vec<_>) =
                messages.into_iter().partition(|message| self.is_exhausted(message, now));
            self.bury_exhausted(consumer, exhausted, now).await;
            if !messages.is_empty() {
                self.deliver_batch(consumer, target, messages, now).await;
            }
        }
        count
    }

    /// Whether every attempt ended with the process. Attempts of what has a row were answered, and its next one may be the last.
    fn is_exhausted(&self, message: &Message, now: Timestamp) -> bool {
        match message.origin {
            Origin::Stream { emitted_at, .. } => self.policy.is_last(message.tried.attempts, emitted_at, now),
            Origin::PutOff => false,
        }
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
            let wait = self.due_of(consumer).map_or(IDLE, |due| due.since(Timestamp::now()));
            tokio::select! {
                () = arrivals.notified() => {}
                () = tokio::time::sleep(wait.clamp(Duration::from_millis(1), IDLE)) => {}
                // Nobody is left to stop it: that is a stop too.
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// When the consumer has something to do again; a stopped one has nothing, whatever is due.
    fn due_of(&self, consumer: &str) -> Option<Timestamp> {
        if self.is_stopped(consumer) {
            return None;
        }
        self.with_queue(consumer, |queue| queue.next_due()).flatten()
    }
}

/// Invokes in a task of its own, so that a function that panics fails its batch and nothing else.
async fn invoke(target: Arc<dyn Target>, messages: &[Message]) -> Result<QueueResponse, TargetError> {
    let payload = serde_json::to_vec(&sqs_event(messages)).map_err(|error| TargetError(error.to_string()))?;
    let invocation = tokio::spawn(async move { target.invoke(payload).await });
    let answer = invocation.await.map_err(|error| TargetError(error.to_string()))??;
    let response: QueueResponse = serde_json::from_slice(&answer)
        .map_err(|error| TargetError(format!("it answered no batch response: {error}")))?;
    // As with Lambda: an answer that names a record which was not in the batch leaves open what was done.
    match response.failures.iter().find(|failure| !names_one_of(messages.len(), failure)) {
        None => Ok(response),
        Some(failure) => {
            Err(TargetError(format!("it answered for an unknown record: {:?}", failure.item_identifier)))
        }
    }
}

fn names_one_of(count: usize, failure: &ItemFailure) -> bool {
    failure.item_identifier.parse::<usize>().is_ok_and(|position| position < count)
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
