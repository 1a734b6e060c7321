//! The broker: a queue for each consumer, with delays, attempts and dead letters.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orderflow_domain::Event;
use orderflow_messaging::{RetryPolicy, SUBSCRIPTIONS};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::audit::evidence::{Fate, Handled};
use super::queue::{Dead, Decided, Message, Queue};
use super::world::World;

/// The longest wait of a consumer without messages.
const IDLE_MAX: Duration = Duration::from_secs(3_600);

#[derive(Default)]
struct State {
    queues: BTreeMap<&'static str, Queue>,
    copies: u64,
}

/// The broker. Clones share its queues.
#[derive(Clone)]
pub(super) struct Broker {
    pub(super) world: World,
    pub(super) policy: RetryPolicy,
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

    /// Tells those who wait that a queue has changed.
    pub(super) fn announce(&self) {
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

    /// Returns the time on the true clock after a delay.
    pub(super) fn due(&self, after: Duration) -> u64 {
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

    /// Describes the messages that are not done.
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
