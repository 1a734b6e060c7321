//! The queue of one consumer.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use orderflow_domain::{Event, Timestamp};
use orderflow_messaging::{AttemptHistory, is_isolated};

use super::QueueCounts;
use crate::Delayed;
use crate::relay::InFlight;
use crate::runtime_table::id_in;

/// A message of one consumer.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub id: String,
    pub body: Arc<str>,
    /// The event in the body, unless the message was read from a row.
    pub event: Option<Arc<Event>>,
    /// The attempts made before.
    pub history: AttemptHistory,
    pub origin: Origin,
    /// Whether it is delivered alone, because it can be what ended a batch (poison isolation).
    pub alone: bool,
}

/// What stores a message durably until it is done.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The stream that it was read from.
    Stream {
        in_flight: Arc<InFlight>,
        /// The time of its event. Earlier processes can have tried it since then.
        emitted_at: Timestamp,
    },
    /// Its own row, under this key.
    Delayed { key: String },
}

impl From<Delayed> for Message {
    fn from(row: Delayed) -> Self {
        let history = AttemptHistory { attempts: row.attempts, first_at: row.first_at };
        let alone = is_isolated(history.attempts);
        let (id, origin) = (row.id().to_owned(), Origin::Delayed { key: row.key().to_owned() });
        Self { id, body: row.body.into(), event: None, history, origin, alone }
    }
}

impl Message {
    pub(super) fn new(
        event: Arc<Event>,
        body: Arc<str>,
        history: AttemptHistory,
        in_flight: Arc<InFlight>,
    ) -> Self {
        in_flight.add();
        let origin = Origin::Stream { in_flight, emitted_at: event.time };
        let (id, alone) = (event.id.to_string(), is_isolated(history.attempts));
        Self { id, body, event: Some(event), history, origin, alone }
    }

    /// Returns the message after its row was written: the stream need not hold it any more.
    pub(super) fn with_row(self) -> Self {
        let key = self.row_key().to_owned();
        if let Origin::Stream { in_flight, .. } = &self.origin {
            in_flight.complete();
        }
        Self { origin: Origin::Delayed { key }, ..self }
    }

    fn waits_since(&self) -> Timestamp {
        match self.origin {
            Origin::Stream { emitted_at, .. } => emitted_at,
            Origin::Delayed { .. } => self.history.first_at,
        }
    }

    /// Returns the key of the message's row, which exists while the message is delayed.
    pub(super) fn row_key(&self) -> &str {
        match &self.origin {
            Origin::Stream { .. } => &self.id,
            Origin::Delayed { key } => key,
        }
    }
}

/// A message in a queue.
#[derive(Debug)]
pub(super) enum Waiting {
    /// The whole message.
    Held(Box<Message>),
    /// A message whose body is only in its row, so that a long queue takes little memory.
    InRow {
        /// The key of its row.
        key: Box<str>,
        /// The attempts made before.
        history: AttemptHistory,
    },
}

impl Waiting {
    fn id(&self) -> &str {
        match self {
            Self::Held(message) => &message.id,
            Self::InRow { key, .. } => id_in(key),
        }
    }

    /// Returns when the event was emitted, or when the message was first delivered.
    fn since(&self) -> Timestamp {
        match self {
            Self::Held(message) => message.waits_since(),
            Self::InRow { history, .. } => history.first_at,
        }
    }

    fn alone(&self) -> bool {
        match self {
            Self::Held(message) => message.alone,
            Self::InRow { history, .. } => is_isolated(history.attempts),
        }
    }
}

/// The most messages of one queue whose bodies are kept in memory; about 1 KB each.
pub(super) const HELD_MAX: usize = 4_000;

/// The messages of one consumer.
#[derive(Debug)]
pub(super) struct Queue {
    ready: VecDeque<Waiting>,
    delayed: BTreeMap<(Timestamp, u64), Waiting>,
    delays: u64,
    in_flight: usize,
    /// The number of messages in `ready` and `delayed` whose bodies are kept in memory.
    held: usize,
    held_max: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self::holding(HELD_MAX)
    }
}

impl Queue {
    /// Returns an empty queue that keeps at most this many bodies in memory.
    pub(super) fn holding(held_max: usize) -> Self {
        let (ready, delayed) = (VecDeque::new(), BTreeMap::new());
        Self { ready, delayed, delays: 0, in_flight: 0, held: 0, held_max }
    }

    /// Returns whether the body of another message is kept in memory. Without room, a message should get a row before it is pushed.
    pub(super) fn has_room(&self) -> bool {
        self.held < self.held_max
    }

    pub(super) fn push(&mut self, message: Message) {
        let waiting = self.admit(message);
        self.ready.push_back(waiting);
    }

    /// Returns the messages that are not in flight and whose bodies are in memory.
    pub(super) fn held(&self) -> impl Iterator<Item = &Message> {
        let waiting = self.ready.iter().chain(self.delayed.values());
        waiting.filter_map(|waiting| match waiting {
            Waiting::Held(message) => Some(&**message),
            Waiting::InRow { .. } => None,
        })
    }

    /// Replaces bodies in memory of messages that are not in flight, each by the body under its own. Returns how many changed.
    pub(super) fn rewrite(&mut self, replacements: &HashMap<String, String>) -> usize {
        let mut changed = 0;
        for waiting in self.ready.iter_mut().chain(self.delayed.values_mut()) {
            if let Waiting::Held(message) = waiting
                && let Some(body) = replacements.get(&*message.body)
            {
                (message.body, message.event) = (body.as_str().into(), None);
                changed += 1;
            }
        }
        changed
    }

    /// Returns messages in flight to the front of the queue.
    pub(super) fn put_back(&mut self, messages: Vec<Message>) {
        self.in_flight -= messages.len();
        for message in messages.into_iter().rev() {
            self.held += 1;
            self.ready.push_front(Waiting::Held(Box::new(message)));
        }
    }

    pub(super) fn delay(&mut self, message: Message, due: Timestamp) {
        let waiting = self.admit(message);
        self.delay_waiting(waiting, due);
    }

    /// Delays messages in flight that could not be read from their rows.
    pub(super) fn delay_unread(&mut self, unread: Vec<(Box<str>, AttemptHistory)>, due: Timestamp) {
        self.in_flight -= unread.len();
        for (key, history) in unread {
            self.delay_waiting(Waiting::InRow { key, history }, due);
        }
    }

    fn delay_waiting(&mut self, waiting: Waiting, due: Timestamp) {
        self.delays += 1;
        self.delayed.insert((due, self.delays), waiting);
    }

    /// Drops the body of a message that has a row if many bodies are in memory.
    fn admit(&mut self, message: Message) -> Waiting {
        match message.origin {
            Origin::Delayed { key } if self.held >= self.held_max => {
                Waiting::InRow { key: key.into(), history: message.history }
            }
            Origin::Stream { .. } | Origin::Delayed { .. } => {
                self.held += 1;
                Waiting::Held(Box::new(message))
            }
        }
    }

    /// Removes the ready messages that only a stream stores.
    pub(super) fn take_rowless(&mut self) -> Vec<Message> {
        let mut taken = Vec::new();
        for waiting in std::mem::take(&mut self.ready) {
            match waiting {
                Waiting::Held(message) if matches!(message.origin, Origin::Stream { .. }) => {
                    taken.push(*message)
                }
                waiting => self.ready.push_back(waiting),
            }
        }
        self.held -= taken.len();
        taken
    }

    /// Returns the next batch, after making due messages ready.
    pub(super) fn take(&mut self, limit: usize, now: Timestamp) -> Vec<Waiting> {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            self.ready.push_back(entry.remove());
        }
        let count = self.batch_len(limit);
        self.in_flight += count;
        let taken: Vec<_> = self.ready.drain(..count).collect();
        self.held -= taken.iter().filter(|waiting| matches!(waiting, Waiting::Held(_))).count();
        taken
    }

    /// Returns how many messages at the front form a batch. An isolated message is a batch of its own. Two copies of a message are never in one batch,
    /// because both have the same row; after a restart one copy can come from the stream and one from the row.
    fn batch_len(&self, limit: usize) -> usize {
        let mut ids = HashSet::new();
        let candidates = self.ready.iter().take(limit).take_while(|message| !message.alone());
        let together = candidates.take_while(|message| ids.insert(message.id())).count();
        together.max(1).min(self.ready.len())
    }

    pub(super) fn complete(&mut self, count: usize) {
        self.in_flight -= count;
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.delayed.keys().next().map(|(due, _)| *due)
    }

    /// Returns the time of the message at the head: when its event was emitted, or when it was first delivered.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        let heads = self.ready.front().into_iter().chain(self.delayed.values().next());
        heads.map(Waiting::since).min()
    }

    pub(super) fn counts(&self) -> QueueCounts {
        QueueCounts { ready: self.ready.len(), in_flight: self.in_flight, delayed: self.delayed.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, alone: bool) -> Message {
        let history = AttemptHistory { attempts: 0, first_at: Timestamp::from_millis(0) };
        let origin = Origin::Delayed { key: id.to_owned() };
        Message { id: id.to_owned(), body: "".into(), event: None, history, origin, alone }
    }

    fn taken(messages: &[(&str, bool)], limit: usize) -> Vec<usize> {
        let mut queue = Queue::default();
        messages.iter().for_each(|(id, alone)| queue.push(message(id, *alone)));
        let take = || Some(queue.take(limit, Timestamp::from_millis(0)).len()).filter(|count| *count > 0);
        std::iter::from_fn(take).collect()
    }

    #[test]
    fn a_batch_ends_at_its_limit_and_before_an_isolated_message() {
        assert_eq!(taken(&[("a", false), ("b", false), ("c", false)], 2), [2, 1]);
        assert_eq!(
            taken(&[("a", false), ("b", true), ("c", true), ("d", false), ("e", false)], 9),
            [1, 1, 1, 2]
        );
        assert!(taken(&[], 9).is_empty());
    }

    #[test]
    fn copies_of_one_message_are_never_in_one_batch() {
        assert_eq!(taken(&[("a", false), ("b", false), ("a", false), ("a", false)], 9), [2, 1, 1]);
    }

    #[test]
    fn delayed_messages_become_ready_in_the_order_of_their_due_times() {
        let mut queue = Queue::default();
        let at = Timestamp::from_millis;
        queue.delay(message("late", false), at(20));
        queue.delay(message("early", false), at(10));
        queue.delay(message("early too", false), at(10));
        assert_eq!(queue.next_due(), Some(at(10)));
        assert!(queue.take(9, at(9)).is_empty());
        let ids: Vec<_> = queue.take(9, at(20)).into_iter().map(|message| message.id().to_owned()).collect();
        assert_eq!(ids, ["early", "early too", "late"]);
        assert_eq!(queue.counts(), QueueCounts { ready: 0, in_flight: 3, delayed: 0 });
    }

    #[test]
    fn a_long_queue_keeps_few_bodies() {
        let mut queue = Queue::holding(2);
        for number in 0..5 {
            queue.push(message(&number.to_string(), false));
            queue.delay(message(&format!("later-{number}"), false), Timestamp::from_millis(10));
        }
        assert!(!queue.has_room());
        let taken = queue.take(20, Timestamp::from_millis(10));
        let held = taken.iter().filter(|waiting| matches!(waiting, Waiting::Held(_))).count();
        assert_eq!((taken.len(), held), (10, 2));
        assert!(queue.has_room());
    }
}
