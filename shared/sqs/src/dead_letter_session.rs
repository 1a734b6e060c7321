//! The dead letters of a consumer while one caller reads, replaces, purges or replays them.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::try_join_all;
use orderflow_domain::Event;
use orderflow_messaging::{DeadLetter, DeadLetterVisit, ReplayProgress, Selection};
use tokio::sync::MutexGuard;

use crate::dead_letter::{attributes, read};
use crate::queue::MAX_ENTRIES;
use crate::{Attributes, ConsumerQueues, SqsError};

/// The visibility timeout of dead letters in a session. An interrupted session leaves them invisible for as long.
const SESSION_VISIBILITY: Duration = Duration::from_secs(60);

/// How long SQS waits for another dead letter before it returns none. Without waiting it samples only a subset of its servers (short polling).
const RECEIVE_WAIT: Duration = Duration::from_secs(1);

/// Selects no dead letter.
const NONE: Selection = Selection::Ids(Vec::new());

/// All dead letters of a consumer, invisible to other receivers.
pub(super) struct DeadLetterSession<'a> {
    queues: ConsumerQueues,
    letters: Vec<HeldDeadLetter>,
    /// The receipt handles of letters that were visited and are not kept.
    visited: Vec<String>,
    _guard: MutexGuard<'a, ()>,
}

/// A dead letter in a session.
struct HeldDeadLetter {
    receipt_handle: String,
    dead_letter: DeadLetter,
}

impl<'a> DeadLetterSession<'a> {
    /// Creates an empty session.
    pub(super) fn new(queues: ConsumerQueues, guard: MutexGuard<'a, ()>) -> Self {
        Self { queues, letters: Vec::new(), visited: Vec::new(), _guard: guard }
    }

    /// Receives every dead letter.
    pub(super) async fn receive_all(&mut self, consumer: &str) -> Result<(), SqsError> {
        let mut seen = HashSet::new();
        loop {
            let messages = self.queues.dead_letters.receive(RECEIVE_WAIT, SESSION_VISIBILITY).await?;
            // A letter that is received twice outlived its visibility timeout: all letters were received.
            let more = messages.iter().any(|message| seen.insert(message.message_id.clone()));
            self.letters.extend(messages.into_iter().map(|message| HeldDeadLetter {
                dead_letter: read(consumer, &message),
                receipt_handle: message.receipt_handle.unwrap_or_default(),
            }));
            if !more {
                return Ok(());
            }
        }
    }

    /// Receives every dead letter, calls `visit` with it and keeps only what makes it visible again.
    pub(super) async fn visit_all(
        &mut self,
        consumer: &str,
        visit: DeadLetterVisit<'_>,
    ) -> Result<(), SqsError> {
        let mut seen = HashSet::new();
        loop {
            let messages = self.queues.dead_letters.receive(RECEIVE_WAIT, SESSION_VISIBILITY).await?;
            let mut more = false;
            for message in messages {
                // A letter that is received twice outlived its visibility timeout: all letters were received.
                if seen.insert(message.message_id.clone()) {
                    more = true;
                    visit(read(consumer, &message));
                }
                self.visited.push(message.receipt_handle.unwrap_or_default());
            }
            if !more {
                return self.release(&NONE).await;
            }
        }
    }

    /// Makes the letters visible again at once if the operation failed. If that fails too, they become visible after their timeout.
    pub(super) async fn release_on_error<T>(&self, worked: Result<T, SqsError>) -> Result<T, SqsError> {
        if worked.is_err() {
            // Fails also for letters that the operation has deleted.
            let _left = self.release(&NONE).await;
        }
        worked
    }

    pub(super) async fn list(&self) -> Result<Vec<DeadLetter>, SqsError> {
        self.release(&NONE).await?;
        let mut found: Vec<_> = self.letters.iter().map(|letter| letter.dead_letter.clone()).collect();
        found.sort_by(|a, b| (a.last_at, &a.id).cmp(&(b.last_at, &b.id)));
        Ok(found)
    }

    pub(super) async fn replace(&self, id: &str, event: &Event) -> Result<bool, SqsError> {
        let selected = self.select(&Selection::Ids(vec![id.to_owned()])).await?;
        if let Some(letter) = selected.first() {
            self.queues.dead_letters.send(&event.to_json(), attributes(&letter.dead_letter)).await?;
        }
        // An interrupted replacement leaves two letters of one id.
        self.queues.dead_letters.delete(&receipt_handles(&selected)).await?;
        Ok(!selected.is_empty())
    }

    pub(super) async fn purge(&self, selection: &Selection) -> Result<u64, SqsError> {
        let selected = self.select(selection).await?;
        self.queues.dead_letters.delete(&receipt_handles(&selected)).await?;
        Ok(selected.len() as u64)
    }

    pub(super) async fn replay(
        &self,
        selection: &Selection,
        progress: ReplayProgress<'_>,
    ) -> Result<u64, SqsError> {
        let queue = &self.queues.queue;
        let selected = self.select(selection).await?;
        for chunk in selected.chunks(MAX_ENTRIES) {
            try_join_all(chunk.iter().map(|letter| queue.send(&letter.dead_letter.body, Attributes::new())))
                .await?;
            self.queues.dead_letters.delete(&receipt_handles(chunk)).await?;
            chunk.iter().for_each(|_| progress());
        }
        Ok(selected.len() as u64)
    }

    /// Returns the selected letters and makes the others visible again.
    async fn select(&self, selection: &Selection) -> Result<Vec<&HeldDeadLetter>, SqsError> {
        self.release(selection).await?;
        Ok(self.letters.iter().filter(|letter| selection.includes(&letter.dead_letter)).collect())
    }

    /// Makes the letters visible again that are not selected.
    async fn release(&self, selected: &Selection) -> Result<(), SqsError> {
        let others = self.letters.iter().filter(|letter| !selected.includes(&letter.dead_letter));
        let others = others.map(|letter| &letter.receipt_handle).chain(&self.visited);
        let others: Vec<_> = others.map(|receipt| (receipt.clone(), Duration::ZERO)).collect();
        self.queues.dead_letters.change_visibility(&others).await
    }
}

fn receipt_handles(letters: &[&HeldDeadLetter]) -> Vec<String> {
    letters.iter().map(|letter| letter.receipt_handle.clone()).collect()
}
