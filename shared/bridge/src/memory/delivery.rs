//! Handing batches to functions, and what becomes of each message by their answer.

use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_messaging::{ItemFailure, QueueResponse};
use tokio::sync::watch;

use super::settle::Fate;
use super::{MemoryBroker, Message, Origin};
use crate::verdict::{Outgoing, Verdict, sqs_event, verdicts};
use crate::{DeadLetterRow, Delayed, Target, target};

/// The `eventSource` of this broker's records.
const EVENT_SOURCE: &str = "orderflow:memory";

/// The most messages of one batch.
const MAX_BATCH: usize = 100;

/// How long a consumer with nothing to do sleeps at most. Arrivals wake it; this bounds what a clock that jumps can cost.
const IDLE: Duration = Duration::from_secs(60);

impl MemoryBroker {
    /// Delivers one batch of what is due at `now` to a consumer. Gives the number of messages that were delivered.
    pub async fn deliver(&self, consumer: &'static str, target: &Arc<dyn Target>, now: Timestamp) -> usize {
        if self.switch.is_stopped(consumer) {
            return 0;
        }
        let messages = self.with_queue(consumer, |queue| queue.take(MAX_BATCH, now)).unwrap_or_default();
        let count = messages.len();
        if count > 0 {
            let (exhausted, messages): (Vec<_>, Vec<_>) =
                messages.into_iter().partition(|message| self.is_exhausted(message, now));
            self.dead_letter_exhausted(consumer, exhausted, now).await;
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
            Origin::Delayed { .. } => false,
        }
    }

    /// Puts messages out of the way whose last attempt ended with the process.
    async fn dead_letter_exhausted(&self, consumer: &'static str, messages: Vec<Message>, now: Timestamp) {
        let dead = |message: Message| {
            let fate = fate(consumer, &message, Verdict::exhausted(message.tried), now);
            (message, fate)
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
        let outgoing = messages.iter().map(|message| Outgoing { body: &message.body, tried: message.tried });
        let event = sqs_event(EVENT_SOURCE, outgoing);
        let response = match target::invoke(target.clone(), &event).await {
            Ok(response) => response,
            // One of them may be to blame: each goes alone from now on.
            Err(error) if messages.len() > 1 => {
                tracing::error!(service = consumer, %error, messages = messages.len(), "the batch failed; its messages go one by one");
                messages.iter_mut().for_each(|message| message.alone = true);
                self.with_queue(consumer, |queue| queue.put_back(messages));
                return;
            }
            Err(error) => QueueResponse { failures: vec![ItemFailure::again("0", error.to_string())] },
        };
        let verdicts = verdicts(response, messages.iter().map(|message| message.tried), &self.policy, now);
        let settled = messages.into_iter().zip(verdicts).map(|(message, verdict)| {
            let fate = fate(consumer, &message, verdict, now);
            (message, fate)
        });
        self.settle(consumer, settled.collect(), now).await;
    }

    /// Delivers to a consumer until told to stop; what is in hand then is settled first.
    pub async fn run(
        self: Arc<Self>,
        consumer: &'static str,
        target: Arc<dyn Target>,
        mut stop: watch::Receiver<bool>,
    ) {
        let Some(arrivals) = self.arrivals.get(consumer) else { return };
        let mut switched = self.switch.changes();
        while !*stop.borrow() {
            if self.deliver(consumer, &target, Timestamp::now()).await > 0 {
                continue;
            }
            let wait = self.due_of(consumer).map_or(IDLE, |due| due.since(Timestamp::now()));
            tokio::select! {
                () = arrivals.notified() => {}
                _ = switched.changed() => {}
                () = tokio::time::sleep(wait.clamp(Duration::from_millis(1), IDLE)) => {}
                // Nobody is left to stop it: that is a stop too.
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// When the consumer has something to do again; a stopped one has nothing, whatever is due.
    fn due_of(&self, consumer: &str) -> Option<Timestamp> {
        if self.switch.is_stopped(consumer) {
            return None;
        }
        self.with_queue(consumer, |queue| queue.next_due()).flatten()
    }
}

/// The rows that a verdict asks for.
fn fate(consumer: &str, message: &Message, verdict: Verdict, now: Timestamp) -> Fate {
    let (id, body) = (&message.id, &message.body);
    match verdict {
        Verdict::Done => Fate::Done,
        Verdict::Again { tried, after, reason } => {
            let (key, due) = (message.row_key(), now.plus(after));
            Fate::Delayed(Box::new(Delayed::new(consumer, key, body, tried, due, &reason)))
        }
        Verdict::DeadLetter { tried, code, reason } => {
            tracing::error!(service = consumer, event.id = id, code, reason, "the message is given up");
            Fate::Dead(Box::new(DeadLetterRow::new(consumer, id, body, tried, &code, &reason)))
        }
    }
}
