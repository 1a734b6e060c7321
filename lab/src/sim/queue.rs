//! The queue of a consumer, its messages, and what is recorded about them.

use orderflow_domain::Timestamp;
use orderflow_messaging::{AttemptHistory, DeadLetter};

use super::audit::evidence::Fate;
use super::world::Counted;

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
    pub due_ms: u64,
    /// The generation of the queue that holds it.
    pub generation: u32,
    /// What does not answer at its next delivery, which is the last attempt.
    pub fails: Option<Counted>,
}

impl Message {
    /// Returns the attempts before the next one, which begins now.
    pub(super) fn history(&self, now: Timestamp) -> AttemptHistory {
        AttemptHistory { attempts: self.attempts, first_at: self.first_at.unwrap_or(now) }
    }
}

/// The queue of a consumer.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) is_deleted: bool,
    pub(super) is_paused: bool,
    /// How often it was deleted.
    pub(super) generation: u32,
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

impl Queue {
    /// Returns when the next message is due, unless nothing is delivered.
    pub(super) fn next_due(&self) -> Option<u64> {
        if self.is_paused || self.is_deleted {
            return None;
        }
        self.ready.iter().map(|message| message.due_ms).min()
    }

    /// Takes the messages that are due out of the queue, oldest first.
    pub(super) fn take_due(&mut self, now: u64) -> Vec<Message> {
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
