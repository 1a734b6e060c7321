//! What operators do with the queues of this broker.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::try_join_all;
use orderflow_domain::Event;
use orderflow_messaging::{
    AdminError, Progress, QueueAdmin, QueueStatus, SUBSCRIPTIONS, Selection, StoredDeadLetter,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::letter::{of_replacement, stored};
use crate::{Attributes, ConsumerQueues, MAX_ENTRIES, Sqs, SqsError};

/// How long a dead letter is hidden from others while somebody deals with it. Whoever is interrupted leaves it hidden for as long.
const HELD: Duration = Duration::from_secs(60);

/// How long SQS looks for another dead letter before it says that there is none. Without waiting it asks only some of its servers.
const LOOK: Duration = Duration::from_secs(1);

/// Looks after the queues of SQS. It never deletes a message before it is kept in its new place: whoever is interrupted leaves some messages
/// in both, which consumers bear. What somebody else looks at is hidden meanwhile.
pub struct SqsAdmin {
    queues: Arc<Sqs>,
    /// Where one caller at a time deals with the dead letters of a consumer: another one would see only what the first left.
    turns: BTreeMap<&'static str, Mutex<()>>,
}

/// All dead letters of a consumer.
struct OnDesk<'a> {
    queues: ConsumerQueues,
    letters: Vec<Letter>,
    _turn: MutexGuard<'a, ()>,
}

struct Letter {
    receipt: String,
    stored: StoredDeadLetter,
}

impl SqsAdmin {
    /// Looks after these queues.
    pub fn new(queues: Arc<Sqs>) -> Self {
        Self { queues, turns: SUBSCRIPTIONS.iter().map(|row| (row.consumer, Mutex::default())).collect() }
    }

    /// Takes the dead letters of a consumer; none where there is no such consumer.
    async fn take(&self, consumer: &str) -> Result<Option<OnDesk<'_>>, SqsError> {
        let Some((turn, queues)) = self.turns.get(consumer).zip(self.queues.of(consumer).await?) else {
            return Ok(None);
        };
        let mut desk = OnDesk { queues, letters: Vec::new(), _turn: turn.lock().await };
        let mut seen = HashSet::new();
        loop {
            let messages = desk.queues.dead_letters.receive(LOOK, HELD).await?;
            // One that comes again was held for too long: everything was seen.
            let more = messages.iter().any(|message| seen.insert(message.message_id.clone()));
            desk.letters.extend(messages.into_iter().map(|message| Letter {
                stored: stored(consumer, &message),
                receipt: message.receipt_handle.unwrap_or_default(),
            }));
            if !more {
                return Ok(Some(desk));
            }
        }
    }

    async fn status(&self, consumer: &str) -> Result<Option<QueueStatus>, SqsError> {
        let Some(queues) = self.queues.of(consumer).await? else { return Ok(None) };
        let (waiting, dead) = tokio::try_join!(queues.queue.counts(), queues.dead_letters.counts())?;
        Ok(Some(QueueStatus {
            consumer: consumer.to_owned(),
            depth: waiting.visible,
            // SQS does not tell what is worked on from what was put off.
            in_flight: waiting.hidden,
            delayed: waiting.delayed,
            dead: dead.visible + dead.hidden + dead.delayed,
        }))
    }

    async fn list(&self, consumer: &str) -> Result<Vec<StoredDeadLetter>, SqsError> {
        let Some(desk) = self.take(consumer).await? else { return Ok(Vec::new()) };
        desk.give_back(&Selection::Ids(Vec::new())).await?;
        let mut found: Vec<_> = desk.letters.into_iter().map(|letter| letter.stored).collect();
        found.sort_by(|a, b| (a.last_at, &a.id).cmp(&(b.last_at, &b.id)));
        Ok(found)
    }

    async fn exchange(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, SqsError> {
        let Some(desk) = self.take(consumer).await? else { return Ok(false) };
        let selection = Selection::Ids(vec![id.to_owned()]);
        desk.give_back(&selection).await?;
        let chosen = desk.chosen(&selection);
        if let Some(letter) = chosen.first() {
            desk.queues.dead_letters.send(&event.to_json(), of_replacement(&letter.stored)).await?;
        }
        // An exchange that was interrupted left two of them.
        desk.queues.dead_letters.delete(&receipts(&chosen)).await?;
        Ok(!chosen.is_empty())
    }

    async fn remove(&self, consumer: &str, selection: &Selection) -> Result<u64, SqsError> {
        let Some(desk) = self.take(consumer).await? else { return Ok(0) };
        desk.give_back(selection).await?;
        let chosen = desk.chosen(selection);
        desk.queues.dead_letters.delete(&receipts(&chosen)).await?;
        Ok(chosen.len() as u64)
    }

    async fn send_back(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: Progress<'_>,
    ) -> Result<u64, SqsError> {
        let Some(desk) = self.take(consumer).await? else { return Ok(0) };
        let queue = &desk.queues.queue;
        desk.give_back(selection).await?;
        let chosen = desk.chosen(selection);
        for chunk in chosen.chunks(MAX_ENTRIES) {
            try_join_all(chunk.iter().map(|letter| queue.send(&letter.stored.body, Attributes::new())))
                .await?;
            desk.queues.dead_letters.delete(&receipts(chunk)).await?;
            chunk.iter().for_each(|_| progress());
        }
        Ok(chosen.len() as u64)
    }
}

impl OnDesk<'_> {
    fn chosen(&self, selection: &Selection) -> Vec<&Letter> {
        self.letters.iter().filter(|letter| selection.includes(&letter.stored)).collect()
    }

    /// Lets others see what is not meant.
    async fn give_back(&self, meant: &Selection) -> Result<(), SqsError> {
        let others = self.letters.iter().filter(|letter| !meant.includes(&letter.stored));
        let others: Vec<_> = others.map(|letter| (letter.receipt.clone(), Duration::ZERO)).collect();
        self.queues.dead_letters.hide(&others).await
    }
}

fn receipts(letters: &[&Letter]) -> Vec<String> {
    letters.iter().map(|letter| letter.receipt.clone()).collect()
}

#[async_trait]
impl QueueAdmin for SqsAdmin {
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError> {
        let statuses = try_join_all(SUBSCRIPTIONS.iter().map(|row| self.status(row.consumer))).await;
        Ok(statuses.map_err(unanswered)?.into_iter().flatten().collect())
    }

    async fn dead_letters(&self, consumer: &str) -> Result<Vec<StoredDeadLetter>, AdminError> {
        self.list(consumer).await.map_err(unanswered)
    }

    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError> {
        self.exchange(consumer, id, event).await.map_err(unanswered)
    }

    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError> {
        self.remove(consumer, selection).await.map_err(unanswered)
    }

    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: Progress<'_>,
    ) -> Result<u64, AdminError> {
        self.send_back(consumer, selection, progress).await.map_err(unanswered)
    }
}

fn unanswered(error: SqsError) -> AdminError {
    AdminError(error.to_string())
}
