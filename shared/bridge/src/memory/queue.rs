//! The queue of one consumer.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use orderflow_domain::{Event, Timestamp};
use orderflow_messaging::{AttemptHistory, is_isolated};

use super::QueueCounts;
use crate::Delayed;
use crate::relay::InFlight;

/// A message of one consumer.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub id: String,
    pub body: Arc<str>,
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
        Self { id, body: row.body.into(), history, origin, alone }
    }
}

impl Message {
    pub(super) fn new(
        event: &Event,
        body: Arc<str>,
        history: AttemptHistory,
        in_flight: Arc<InFlight>,
    ) -> Self {
        in_flight.add();
        let origin = Origin::Stream { in_flight, emitted_at: event.time };
        Self { id: event.id.to_string(), body, alone: is_isolated(history.attempts), history, origin }
    }

    /// Returns the key of the message's row, which exists while the message is delayed.
    pub(super) fn row_key(&self) -> &str {
        match &self.origin {
            Origin::Stream { .. } => &self.id,
            Origin::Delayed { key } => key,
        }
    }
}

/// The messages of one consumer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: VecDeque<Message>,
    delayed: BTreeMap<(Timestamp, u64), Message>,
    delays: u64,
    in_flight: usize,
}

impl Queue {
    pub(super) fn push(&mut self, message: Message) {
        self.ready.push_back(message);
    }

    /// Returns messages in flight to the front of the queue.
    pub(super) fn put_back(&mut self, messages: Vec<Message>) {
        self.in_flight -= messages.len();
        for message in messages.into_iter().rev() {
            self.ready.push_front(message);
        }
    }

    pub(super) fn delay(&mut self, message: Message, due: Timestamp) {
        self.delays += 1;
        self.delayed.insert((due, self.delays), message);
    }

    /// Returns the next batch, after making due messages ready.
    pub(super) fn take(&mut self, limit: usize, now: Timestamp) -> Vec<Message> {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            self.ready.push_back(entry.remove());
        }
        let count = self.batch_len(limit);
        self.in_flight += count;
        self.ready.drain(..count).collect()
    }

    /// Returns how many messages at the front form a batch. An isolated message is a batch of its own. Two copies of a message are never in one batch,
    /// because both have the same row; after a restart one copy can come from the stream and one from the row.
    fn batch_len(&self, limit: usize) -> usize {
        let mut ids = HashSet::new();
        let candidates = self.ready.iter().take(limit).take_while(|message| !message.alone);
        let together = candidates.take_while(|message| ids.insert(message.id.as_str())).count();
        together.max(1).min(self.ready.len())
    }

    pub(super) fn complete(&mut self, count: usize) {
        self.in_flight -= count;
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.delayed.keys().next().map(|(due, _)| *due)
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
        Message { id: id.to_owned(), body: "".into(), history, origin, alone }
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
        let ids: Vec<_> = queue.take(9, at(20)).into_iter().map(|message| message.id).collect();
        assert_eq!(ids, ["early", "early too", "late"]);
        assert_eq!(queue.counts(), QueueCounts { ready: 0, in_flight: 3, delayed: 0 });
    }
}
