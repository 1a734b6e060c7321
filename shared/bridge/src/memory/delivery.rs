//! Delivers batches to functions and decides about each message.

use std::sync::Arc;
use std::time::Duration;

use orderflow_domain::Timestamp;
use orderflow_messaging::{
    Attempt, AttemptHistory, DeadLetter, DeadLetterCode, Disposition, Invoked, Outcome, RecordBatch, Target,
    invoke, storable_reason,
};
use tokio::sync::watch;

use super::apply::{Decided, Row};
use super::{MemoryBroker, Message, Origin};
use crate::{DeadLetterRow, Delayed};

/// The `eventSource` of this broker's records.
const EVENT_SOURCE: &str = "orderflow:memory";

/// The most messages of one batch.
const BATCH_MAX: usize = 100;

/// The longest sleep of a consumer without ready messages. Arrivals wake it.
const IDLE_MAX: Duration = Duration::from_secs(60);

impl MemoryBroker {
    /// Delivers one batch of messages that are due at `now` to a consumer. Returns the number of delivered messages.
    pub async fn deliver(&self, consumer: &'static str, target: &Arc<dyn Target>, now: Timestamp) -> usize {
        if self.switch.is_stopped(consumer) {
            return 0;
        }
        let waiting = self.with_queue(consumer, |queue| queue.take(BATCH_MAX, now)).unwrap_or_default();
        let count = waiting.len();
        let messages = self.load(consumer, waiting, now).await;
        let (exhausted, messages): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| self.is_exhausted(message, now));
        if !exhausted.is_empty() {
            self.give_up(consumer, exhausted, now).await;
        }
        if !messages.is_empty() {
            self.deliver_batch(consumer, target, messages, now).await;
        }
        count
    }

    /// Returns whether every attempt of a message ended with its process. A delayed message is never exhausted here: its attempts were answered, so it
    /// gets its next one.
    fn is_exhausted(&self, message: &Message, now: Timestamp) -> bool {
        match message.origin {
            Origin::Stream { emitted_at, .. } => {
                self.policy.is_last(message.history.attempts, emitted_at, now)
            }
            Origin::Delayed { .. } => false,
        }
    }

    /// Dead-letters messages whose last attempt ended with the process.
    async fn give_up(&self, consumer: &'static str, messages: Vec<Message>, now: Timestamp) {
        let given_up = Outcome::DeadLetter {
            code: DeadLetterCode::ATTEMPTS_EXHAUSTED,
            reason: "every attempt ended with the process".to_owned(),
        };
        let decided = messages.into_iter().map(|message| {
            let history = message.history;
            self.decide(consumer, message, history, &given_up, now)
        });
        self.apply(consumer, decided.collect(), now).await;
    }

    async fn deliver_batch(
        &self,
        consumer: &'static str,
        target: &Arc<dyn Target>,
        mut messages: Vec<Message>,
        now: Timestamp,
    ) {
        let records =
            messages.iter().map(|message| (message.body.clone(), message.event.clone(), message.history));
        let batch = RecordBatch::of_events(EVENT_SOURCE, records);
        match invoke(consumer, target, batch).await {
            Invoked::Outcomes(outcomes) => {
                let decided = messages.into_iter().zip(outcomes).map(|(message, outcome)| {
                    let history = message.history.with_next_attempt();
                    self.decide(consumer, message, history, &outcome, now)
                });
                self.apply(consumer, decided.collect(), now).await;
            }
            Invoked::FailedAsWhole | Invoked::Stopped => {
                messages.iter_mut().for_each(|message| message.alone = true);
                self.with_queue(consumer, |queue| queue.put_back(messages));
            }
        }
    }

    /// Decides about a message, and creates the row that makes the decision durable.
    fn decide(
        &self,
        consumer: &'static str,
        message: Message,
        history: AttemptHistory,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Decided {
        let body = &*message.body;
        let attempt = Attempt { consumer, body, history };
        let disposition = Disposition::of(&attempt, outcome, &self.policy, now);
        let row = match &disposition {
            Disposition::Ack => Row::None,
            Disposition::Retry { after, .. } => {
                let (key, history) = (message.row_key(), disposition.history(history));
                let reason = storable_reason(outcome.reason());
                Row::Delayed(Box::new(Delayed::new(consumer, key, body, history, (now, *after), &reason)))
            }
            Disposition::DeadLetter { code, reason } => {
                let letter = DeadLetter::new(consumer, body, (code, reason), history, now);
                let letter = DeadLetter { id: message.id.clone(), ..letter };
                Row::DeadLetter(Box::new(DeadLetterRow::new(&letter)))
            }
        };
        Decided { message, history, disposition, reason: outcome.reason().to_owned(), row }
    }

    /// Delivers to a consumer until `stop` is true; the batch in flight is completed first.
    pub async fn run(
        self: Arc<Self>,
        consumer: &'static str,
        target: Arc<dyn Target>,
        mut stop: watch::Receiver<bool>,
    ) {
        let Some(arrivals) = self.arrivals.get(consumer) else { return };
        let (mut switched, mut stored) = (self.switch.changes(), false);
        while !*stop.borrow() {
            if self.deliver(consumer, &target, self.clock.now()).await > 0 {
                continue;
            }
            let stopped = self.switch.is_stopped(consumer);
            if stopped && !stored {
                self.store_ready(consumer).await;
            }
            stored = stopped;
            let wait = self.due_of(consumer).map_or(IDLE_MAX, |due| due.since(self.clock.now()));
            tokio::select! {
                () = arrivals.notified() => {}
                _ = switched.changed() => {}
                () = tokio::time::sleep(wait.clamp(Duration::from_millis(1), IDLE_MAX)) => {}
                // A dropped sender can no longer stop the consumer; that counts as a stop.
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Returns the next due time of a consumer that is not stopped.
    fn due_of(&self, consumer: &str) -> Option<Timestamp> {
        if self.switch.is_stopped(consumer) {
            return None;
        }
        self.with_queue(consumer, |queue| queue.next_due()).flatten()
    }
}
