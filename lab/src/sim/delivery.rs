//! Delivers batches to consumers, with the faults of deliveries, and decides about each message as the hosts of the real brokers do.

use std::time::Duration;

use orderflow_messaging::{Attempt, AttemptHistory, DeadLetter, Disposition, Outcome, is_isolated};

use super::audit::evidence::Fate;
use super::broker::Broker;
use super::fault::{FaultKind, Place};
use super::queue::{Dead, Decided, Message};
use super::world::Counted;

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

impl Broker {
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
}
