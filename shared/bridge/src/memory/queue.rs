//! The queue of one consumer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use orderflow_domain::Timestamp;

use super::QueueDepth;
use super::progress::Outstanding;
use crate::PutOff;
use crate::runtime_table::Tried;

/// A message of one consumer.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub id: String,
    pub body: Arc<str>,
    pub tried: Tried,
    pub origin: Origin,
    /// Delivered without neighbours, since it may be what killed a batch.
    pub alone: bool,
}

/// What keeps a message while it is not done.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The stream that it was read from.
    Stream(Arc<Outstanding>),
    /// Its own row.
    PutOff,
}

/// Attempts after which a message is delivered without neighbours.
const ALONE_AFTER: u32 = 3;

impl From<PutOff> for Message {
    fn from(row: PutOff) -> Self {
        let tried = Tried { attempts: row.attempts, first_at: row.first_at };
        let alone = tried.attempts > ALONE_AFTER;
        Self { id: row.id().to_owned(), body: row.body.into(), tried, origin: Origin::PutOff, alone }
    }
}

impl Message {
    pub(super) fn new(id: String, body: Arc<str>, tried: Tried, outstanding: Arc<Outstanding>) -> Self {
        outstanding.add();
        Self { id, body, alone: tried.attempts > ALONE_AFTER, tried, origin: Origin::Stream(outstanding) }
    }
}

/// Messages that wait for one consumer.
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

    /// Puts back what was taken, in front of all else.
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

    /// Takes the next batch, with what became due.
    pub(super) fn take(&mut self, limit: usize, now: Timestamp) -> Vec<Message> {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            self.ready.push_back(entry.remove());
        }
        let companions = self.ready.iter().position(|message| message.alone).unwrap_or(self.ready.len());
        let count = companions.max(1).min(limit).min(self.ready.len());
        self.in_flight += count;
        self.ready.drain(..count).collect()
    }

    pub(super) fn settled(&mut self, count: usize) {
        self.in_flight -= count;
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.delayed.keys().next().map(|(due, _)| *due)
    }

    pub(super) fn depth(&self) -> QueueDepth {
        QueueDepth { ready: self.ready.len(), in_flight: self.in_flight, delayed: self.delayed.len() }
    }
}
