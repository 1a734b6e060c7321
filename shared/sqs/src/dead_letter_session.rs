//! The dead letters of a consumer while somebody deals with them.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::try_join_all;
use orderflow_domain::Event;
use orderflow_messaging::{Progress, Selection, StoredDeadLetter};
use tokio::sync::MutexGuard;

use crate::letter::{of_replacement, stored};
use crate::{Attributes, ConsumerQueues, MAX_ENTRIES, SqsError};

/// How long a dead letter is hidden from others while somebody deals with it. Whoever is interrupted leaves it hidden for as long.
const HELD: Duration = Duration::from_secs(60);

/// How long SQS looks for another dead letter before it says that there is none. Without waiting it asks only some of its servers.
const LOOK: Duration = Duration::from_secs(1);

/// No dead letter is meant.
const NONE: Selection = Selection::Ids(Vec::new());

/// All dead letters of a consumer, hidden from others.
pub(super) struct DeadLetterSession<'a> {
    queues: ConsumerQueues,
    letters: Vec<Letter>,
    _turn: MutexGuard<'a, ()>,
}

struct Letter {
    receipt: String,
    stored: StoredDeadLetter,
}

impl<'a> DeadLetterSession<'a> {
    /// An empty session.
    pub(super) fn new(queues: ConsumerQueues, turn: MutexGuard<'a, ()>) -> Self {
        Self { queues, letters: Vec::new(), _turn: turn }
    }

    /// Takes every dead letter.
    pub(super) async fn fill(&mut self, consumer: &str) -> Result<(), SqsError> {
        let mut seen = HashSet::new();
        loop {
            let messages = self.queues.dead_letters.receive(LOOK, HELD).await?;
            // One that comes again was held for too long: everything was seen.
            let more = messages.iter().any(|message| seen.insert(message.message_id.clone()));
            self.letters.extend(messages.into_iter().map(|message| Letter {
                stored: stored(consumer, &message),
                receipt: message.receipt_handle.unwrap_or_default(),
            }));
            if !more {
                return Ok(());
            }
        }
    }

    /// Lets others see at once what failed work left on the session. Where that fails too they see it when it was held for long enough.
    pub(super) async fn release_on_error<T>(&self, worked: Result<T, SqsError>) -> Result<T, SqsError> {
        if worked.is_err() {
            // Also fails for what the work has deleted.
            let _left = self.release(&NONE).await;
        }
        worked
    }

    pub(super) async fn list(&self) -> Result<Vec<StoredDeadLetter>, SqsError> {
        self.release(&NONE).await?;
        let mut found: Vec<_> = self.letters.iter().map(|letter| letter.stored.clone()).collect();
        found.sort_by(|a, b| (a.last_at, &a.id).cmp(&(b.last_at, &b.id)));
        Ok(found)
    }

    pub(super) async fn exchange(&self, id: &str, event: &Event) -> Result<bool, SqsError> {
        let chosen = self.choose(&Selection::Ids(vec![id.to_owned()])).await?;
        if let Some(letter) = chosen.first() {
            self.queues.dead_letters.send(&event.to_json(), of_replacement(&letter.stored)).await?;
        }
        // An exchange that was interrupted left two of them.
        self.queues.dead_letters.delete(&receipts(&chosen)).await?;
        Ok(!chosen.is_empty())
    }

    pub(super) async fn remove(&self, selection: &Selection) -> Result<u64, SqsError> {
        let chosen = self.choose(selection).await?;
        self.queues.dead_letters.delete(&receipts(&chosen)).await?;
        Ok(chosen.len() as u64)
    }

    pub(super) async fn send_back(
        &self,
        selection: &Selection,
        progress: Progress<'_>,
    ) -> Result<u64, SqsError> {
        let queue = &self.queues.queue;
        let chosen = self.choose(selection).await?;
        for chunk in chosen.chunks(MAX_ENTRIES) {
            try_join_all(chunk.iter().map(|letter| queue.send(&letter.stored.body, Attributes::new())))
                .await?;
            self.queues.dead_letters.delete(&receipts(chunk)).await?;
            chunk.iter().for_each(|_| progress());
        }
        Ok(chosen.len() as u64)
    }

    /// Those that are meant; the others are given back.
    async fn choose(&self, selection: &Selection) -> Result<Vec<&Letter>, SqsError> {
        self.release(selection).await?;
        Ok(self.letters.iter().filter(|letter| selection.includes(&letter.stored)).collect())
    }

    /// Lets others see what is not meant.
    async fn release(&self, meant: &Selection) -> Result<(), SqsError> {
        let others = self.letters.iter().filter(|letter| !meant.includes(&letter.stored));
        let others: Vec<_> = others.map(|letter| (letter.receipt.clone(), Duration::ZERO)).collect();
        self.queues.dead_letters.change_visibility(&others).await
    }
}

fn receipts(letters: &[&Letter]) -> Vec<String> {
    letters.iter().map(|letter| letter.receipt.clone()).collect()
}
