//! The broker: a queue for each consumer, with delays, attempts and dead letters.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orderflow_domain::{Event, Timestamp};
use orderflow_messaging::{
    Attempt, AttemptHistory, DeadLetter, Disposition, Outcome, RetryPolicy, SUBSCRIPTIONS, is_isolated,
};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::audit::evidence::{Fate, Handled};
use super::fault::{FaultKind, Place};
use super::world::{Counted, World};

/// The most messages of a batch.
const BATCH_MAX: usize = 10;

/// How long a message is delayed beyond the limit of retries.
const BEYOND_LIMIT: Duration = Duration::from_secs(660);

/// The attempts after which the next one is the last, if the first was long enough ago.
const ATTEMPTS_BEFORE_LAST: u32 = 11;

/// How many requests fail when a message is delivered for the last time.
const LAST_ATTEMPT_REQUESTS: u32 = 2;

/// Returns what does not answer when a message of a consumer is delivered for the last time, by the amount of the fault.
fn failing(consumer: &str, amount: u32) -> Option<Counted> {
    match amount % 4 {
        0 => None,
        1 | 2 if consumer == "payment" => Some(Counted::ProviderCall),
        _ => Some(Counted::StoreRequest),
    }
}

/// How long a message stays invisible whose consumer crashed.
const VISIBILITY_MS: u64 = 30_000;

/// The longest wait of a consumer without messages.
const IDLE_MAX: Duration = Duration::from_secs(3_600);

/// A copy of an event in the queue of a consumer.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Its number in the whole simulation.
    pub copy: u64,
    pub body: String,
    /// The attempts so far.
    pub attempts: u32,
    /// The time of the first attempt on the wall clock; `None` before it.
    pub first_at: Option<Timestamp>,
    /// When it is delivered, on the true clock.
    due_ms: u64,
    /// The generation of the queue that holds it.
    generation: u32,
    /// What does not answer at its next delivery, which is the last attempt.
    fails: Option<Counted>,
}

impl Message {
    /// Returns the attempts before the next one, which begins now.
    pub(super) fn history(&self, now: Timestamp) -> AttemptHistory {
        AttemptHistory { attempts: self.attempts, first_at: self.first_at.unwrap_or(now) }
    }
}

#[derive(Default)]
pub(super) struct Queue {
    is_deleted: bool,
    is_paused: bool,
    /// How often it was deleted.
    generation: u32,
    pub(super) ready: Vec<Message>,
    pub(super) in_flight: Vec<Message>,
    pub(super) dead: Vec<Dead>,
}

/// A dead letter, with the number of its copy.
#[derive(Debug, Clone)]
pub(super) struct Dead {
    pub copy: u64,
    pub letter: DeadLetter,
}

/// What happened to a copy.
pub(super) struct Decided<'a> {
    pub copy: u64,
    pub body: &'a str,
    /// The attempt number; 0 for what an operator did.
    pub attempt: u32,
    pub fate: Fate,
    pub code: Option<String>,
}

impl<'a> Decided<'a> {
    /// Returns what an operator did with a copy.
    pub(super) fn by_operator(copy: u64, body: &'a str, fate: Fate) -> Self {
        Self { copy, body, attempt: 0, fate, code: None }
    }
}

#[derive(Default)]
struct State {
    queues: BTreeMap<&'static str, Queue>,
    copies: u64,
}

/// The broker. Clones share its queues.
#[derive(Clone)]
pub(super) struct Broker {
    pub(super) world: World,
    policy: RetryPolicy,
    state: Arc<Mutex<State>>,
    changes: watch::Sender<u64>,
}

impl Broker {
    pub(super) fn new(world: World) -> Self {
        let queues = SUBSCRIPTIONS.iter().map(|row| (row.consumer, Queue::default())).collect();
        let state = Arc::new(Mutex::new(State { queues, copies: 0 }));
        Self { world, policy: RetryPolicy::default(), state, changes: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works with the queue of a consumer. Returns `None` if no consumer has this name.
    pub(super) fn with_queue<T>(&self, consumer: &str, work: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        self.state().queues.get_mut(consumer).map(work)
    }

    fn announce(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Records what happened to a copy.
    pub(super) fn record(&self, consumer: &str, decided: Decided<'_>) {
        let Decided { copy, body, attempt, fate, code } = decided;
        let event = Event::from_json(body).map(|event| event.id.to_string());
        let event_id = event.unwrap_or_else(|_| body.to_owned());
        let (at, consumer) = (self.world.moment(), consumer.to_owned());
        let handled = Handled { at, consumer, event_id, copy, attempt, fate, code };
        self.world.record(|evidence| evidence.handled.push(handled));
    }

    /// Puts another copy of a message into the queue of a consumer. It is lost if the queue is deleted.
    pub(super) fn push(&self, consumer: &'static str, body: String, after: Duration) {
        let copy = {
            let mut state = self.state();
            state.copies += 1;
            state.copies
        };
        self.push_copy(consumer, copy, body, after);
    }

    /// Puts a copy into the queue of a consumer.
    pub(super) fn push_copy(&self, consumer: &'static str, copy: u64, body: String, after: Duration) {
        let due_ms = self.due(after);
        let lost = {
            let mut state = self.state();
            let Some(queue) = state.queues.get_mut(consumer) else { return };
            let generation = queue.generation;
            let message =
                Message { copy, body, attempts: 0, first_at: None, due_ms, generation, fails: None };
            if queue.is_deleted {
                Some(message)
            } else {
                queue.ready.push(message);
                None
            }
        };
        if let Some(lost) = lost {
            self.record(consumer, Decided::by_operator(lost.copy, &lost.body, Fate::Purged));
        }
        self.announce();
    }

    fn due(&self, after: Duration) -> u64 {
        self.world.clock.elapsed_ms() + u64::try_from(after.as_millis()).unwrap_or(u64::MAX / 2)
    }

    /// Waits until a consumer has messages to receive.
    pub(super) async fn wait(&self, consumer: &'static str) {
        let mut changes = self.changes.subscribe();
        loop {
            let now = self.world.clock.elapsed_ms();
            let next = self.with_queue(consumer, |queue| queue.next_due()).flatten();
            let pause = match next {
                Some(due) if due <= now => return,
                Some(due) => Duration::from_millis(due - now),
                None => IDLE_MAX,
            };
            // Both the end of the pause and a change are a reason to look again.
            let _ended = timeout(pause.min(IDLE_MAX), changes.changed()).await;
        }
    }

    /// Receives a batch of a consumer, which may be empty. Returns it with its number.
    pub(super) fn receive(&self, consumer: &'static str) -> (u32, Vec<Message>) {
        let now = self.world.clock.elapsed_ms();
        let place = Place::Consumer(consumer);
        let mut batch = self.with_queue(consumer, |queue| queue.take_due(now)).unwrap_or_default();
        if batch.is_empty() {
            return (u32::MAX, batch);
        }
        let number = self.world.count(Counted::Batch, place);
        let planned = |kind| self.world.planned(kind, place, number);
        if planned(FaultKind::DeliveryReordered).is_some() && batch.len() > 1 {
            self.world.took_effect(FaultKind::DeliveryReordered, place);
            batch.reverse();
        }
        let mut size = BATCH_MAX;
        if planned(FaultKind::BatchSplit).is_some() && batch.len() > 1 {
            self.world.took_effect(FaultKind::BatchSplit, place);
            size = batch.len() / 2;
        }
        if let Some(amount) = planned(FaultKind::DeliveryRepeated) {
            self.world.took_effect(FaultKind::DeliveryRepeated, place);
            let copied = &batch[amount as usize % batch.len()];
            self.push(consumer, copied.body.clone(), Duration::from_millis(u64::from(amount)));
        }
        if let Some(amount) = planned(FaultKind::DeliveryDelayed) {
            self.world.took_effect(FaultKind::DeliveryDelayed, place);
            let delayed = batch.remove(amount as usize % batch.len());
            self.delay_beyond_limit(consumer, Message { fails: failing(consumer, amount), ..delayed });
        }
        let mut batch = self.isolate(consumer, batch, size);
        for message in &mut batch {
            if let Some(failing) = message.fails.take() {
                self.world.fail_next(failing, place, LAST_ATTEMPT_REQUESTS);
            }
        }
        (number, batch)
    }

    fn delay_beyond_limit(&self, consumer: &'static str, message: Message) {
        let first_at = Some(message.history(self.world.clock.wall()).first_at);
        let attempts = message.attempts.max(ATTEMPTS_BEFORE_LAST);
        let due_ms = self.due(BEYOND_LIMIT);
        self.with_queue(consumer, |queue| {
            queue.ready.push(Message { attempts, first_at, due_ms, ..message });
        });
        self.announce();
    }

    /// Takes the batch in flight, and returns the other messages to the queue. A message that is isolated is delivered alone.
    fn isolate(&self, consumer: &'static str, messages: Vec<Message>, size: usize) -> Vec<Message> {
        let alone = messages.first().is_some_and(|first| is_isolated(first.attempts));
        let (mut batch, mut rest) = (Vec::new(), Vec::new());
        for message in messages {
            let fits = if alone { batch.is_empty() } else { !is_isolated(message.attempts) };
            if fits && batch.len() < size { batch.push(message) } else { rest.push(message) }
        }
        let taken = batch.clone();
        self.with_queue(consumer, |queue| {
            queue.ready.extend(rest);
            queue.in_flight.extend(taken);
        });
        self.announce();
        batch
    }

    /// Acts on the outcomes of a batch, as a host of the real brokers decides about them.
    pub(super) fn decide(&self, consumer: &'static str, batch: Vec<Message>, outcomes: &[Outcome]) {
        let now = self.world.clock.wall();
        for (message, outcome) in batch.into_iter().zip(outcomes) {
            let history = message.history(now).with_next_attempt();
            let attempt = Attempt { consumer, body: &message.body, history };
            let disposition = Disposition::of(&attempt, outcome, &self.policy, now);
            self.world.note(consumer, format_args!("copy {} {outcome:?} {disposition:?}", message.copy));
            let is_deferred = matches!(outcome, Outcome::Defer { .. });
            let kept = if is_deferred { Fate::Deferred } else { Fate::Retried };
            self.act(consumer, message, history, (disposition, kept));
        }
        self.announce();
    }

    /// Acts on a decision. `kept` is the fate of a message that returns to its queue: by what its consumer answered, not by what was decided.
    fn act(
        &self,
        consumer: &'static str,
        message: Message,
        history: AttemptHistory,
        (disposition, kept): (Disposition, Fate),
    ) {
        let (copy, body, attempt) = (message.copy, message.body.clone(), history.attempts);
        let (fate, code) = match disposition {
            Disposition::Ack => {
                self.remove(consumer, &message);
                (Fate::Acknowledged, None)
            }
            Disposition::Retry { after, .. } => {
                let history = disposition.history(history);
                let lost = self.put_back(consumer, message, after, history);
                (if lost { Fate::Purged } else { kept }, None)
            }
            Disposition::DeadLetter { code, reason } => {
                self.remove(consumer, &message);
                let now = self.world.clock.wall();
                let letter = DeadLetter::new(consumer, &body, (&code, &reason), history, now);
                self.with_queue(consumer, |queue| queue.dead.push(Dead { copy, letter }));
                (Fate::DeadLettered, Some(code.as_str().to_owned()))
            }
        };
        self.record(consumer, Decided { copy, body: &body, attempt, fate, code });
    }

    fn remove(&self, consumer: &str, message: &Message) {
        self.with_queue(consumer, |queue| queue.in_flight.retain(|other| other.copy != message.copy));
    }

    /// Returns a message to its queue. Returns whether it is lost, because its queue was deleted meanwhile.
    fn put_back(
        &self,
        consumer: &'static str,
        message: Message,
        after: Duration,
        history: AttemptHistory,
    ) -> bool {
        let due_ms = self.due(after);
        self.with_queue(consumer, |queue| {
            let position = queue.in_flight.iter().position(|other| other.copy == message.copy);
            // What is in flight was perhaps rewritten meanwhile.
            let held = position.map_or(message, |position| queue.in_flight.remove(position));
            if held.generation != queue.generation {
                return true;
            }
            let AttemptHistory { attempts, first_at } = history;
            queue.ready.push(Message { attempts, first_at: Some(first_at), due_ms, fails: None, ..held });
            false
        })
        .unwrap_or(true)
    }

    /// Returns the messages of a consumer that crashed: they are visible again some time later, and the attempt counts.
    pub(super) fn return_batch(&self, consumer: &'static str, batch: Vec<Message>, after_ms: u32) {
        let now = self.world.clock.wall();
        let after = Duration::from_millis(u64::from(after_ms) % VISIBILITY_MS);
        for message in batch {
            let history = message.history(now).with_next_attempt();
            let (copy, body, attempt) = (message.copy, message.body.clone(), history.attempts);
            let is_lost = self.put_back(consumer, message, after, history);
            let fate = if is_lost { Fate::Purged } else { Fate::Crashed };
            self.record(consumer, Decided { copy, body: &body, attempt, fate, code: None });
        }
        self.announce();
    }

    /// Pauses or resumes the delivery to a consumer.
    pub(super) fn set_paused(&self, consumer: &str, is_paused: bool) {
        self.with_queue(consumer, |queue| queue.is_paused = is_paused);
        self.world.note(consumer, if is_paused { "paused" } else { "resumed" });
        self.announce();
    }

    /// Deletes the queue of a consumer with its messages.
    pub(super) fn delete(&self, consumer: &'static str) {
        let lost = self.with_queue(consumer, |queue| {
            queue.is_deleted = true;
            queue.generation += 1;
            std::mem::take(&mut queue.ready)
        });
        let lost = lost.unwrap_or_default();
        self.world.note(consumer, format_args!("queue deleted with {} messages", lost.len()));
        for message in lost {
            self.record(consumer, Decided::by_operator(message.copy, &message.body, Fate::Purged));
        }
    }

    /// Creates the queue of a consumer again, as the reconciler of the real brokers does.
    pub(super) fn reconcile(&self, consumer: &str) {
        self.with_queue(consumer, |queue| queue.is_deleted = false);
        self.world.note(consumer, "queue created again");
        self.announce();
    }

    /// Resumes all consumers and creates all queues.
    pub(super) fn restore(&self) {
        for row in SUBSCRIPTIONS {
            self.set_paused(row.consumer, false);
            self.reconcile(row.consumer);
        }
    }

    /// Waits until no message of a consumer is in flight, five seconds at most.
    pub(super) async fn wait_until_none_is_in_flight(&self, consumer: &str) {
        for _ in 0..100 {
            if self.with_queue(consumer, |queue| queue.in_flight.is_empty()).unwrap_or(true) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns whether no message waits or is in flight.
    pub(super) fn is_empty(&self) -> bool {
        let state = self.state();
        state.queues.values().all(|queue| queue.ready.is_empty() && queue.in_flight.is_empty())
    }

    /// Returns the dead letters of a consumer.
    pub(super) fn dead(&self, consumer: &str) -> Vec<Dead> {
        self.with_queue(consumer, |queue| queue.dead.clone()).unwrap_or_default()
    }

    /// Describes what waits.
    pub(super) fn dump(&self) -> String {
        let state = self.state();
        let mut dump = String::new();
        for (consumer, queue) in &state.queues {
            for (state, messages) in [("waits", &queue.ready), ("is in flight", &queue.in_flight)] {
                for message in messages {
                    let Message { copy, attempts, due_ms, body, .. } = message;
                    // A String takes every text.
                    let _written = writeln!(
                        dump,
                        "{consumer}: copy {copy} {state}, attempts {attempts}, due at {due_ms} ms: {body}"
                    );
                }
            }
        }
        dump
    }

    /// Returns all messages and dead letters with their consumers, as JSON if they are.
    pub(super) fn left(&self) -> Vec<(String, Value)> {
        let state = self.state();
        let mut left = Vec::new();
        for (consumer, queue) in &state.queues {
            let waiting = queue.ready.iter().chain(&queue.in_flight).map(|message| &message.body);
            for body in waiting.chain(queue.dead.iter().map(|dead| &dead.letter.body)) {
                let value = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.clone()));
                left.push(((*consumer).to_owned(), value));
            }
        }
        left
    }
}

impl Queue {
    fn next_due(&self) -> Option<u64> {
        if self.is_paused || self.is_deleted {
            return None;
        }
        self.ready.iter().map(|message| message.due_ms).min()
    }

    /// Takes the messages that are due out of the queue, oldest first.
    fn take_due(&mut self, now: u64) -> Vec<Message> {
        if self.is_paused || self.is_deleted {
            return Vec::new();
        }
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ready).into_iter().partition(|message| message.due_ms <= now);
        self.ready = later;
        due.sort_by_key(|message| (message.due_ms, message.copy));
        due
    }
}
