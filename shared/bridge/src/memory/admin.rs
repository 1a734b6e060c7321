//! What operators do with the queues of this broker.

use std::sync::Arc;

use async_trait::async_trait;
use orderflow_domain::Event;
use orderflow_messaging::{
    AdminError, Progress, QueueAdmin, QueueStatus, SUBSCRIPTIONS, Selection, StoredDeadLetter,
};
use orderflow_store::StoreError;

use super::{MemoryBroker, Message};
use crate::DeadLetterRow;

/// Looks after the queues of a broker in this process. Its dead letters are rows of the table `runtime`.
pub struct MemoryAdmin(Arc<MemoryBroker>);

impl MemoryAdmin {
    /// Looks after the queues of this broker.
    pub fn new(broker: Arc<MemoryBroker>) -> Self {
        Self(broker)
    }

    async fn selected(
        &self,
        consumer: &str,
        selection: &Selection,
    ) -> Result<Vec<DeadLetterRow>, AdminError> {
        let mut rows = self.0.runtime.dead_letters(consumer).await.map_err(unanswered)?;
        rows.retain(|row| selection.includes(&stored(consumer, row.clone())));
        rows.sort_by_key(|row| row.last_at);
        Ok(rows)
    }
}

impl MemoryBroker {
    /// Gives a dead letter back to its queue. False where it is gone by now.
    async fn revive(&self, consumer: &str, letter: &DeadLetterRow) -> Result<bool, StoreError> {
        let Some(row) = self.runtime.revive(consumer, letter).await? else { return Ok(false) };
        self.with_queue(consumer, |queue| queue.push(Message::from(row)));
        self.announce(consumer);
        Ok(true)
    }
}

#[async_trait]
impl QueueAdmin for MemoryAdmin {
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError> {
        let counts = self.0.counts();
        let mut statuses = Vec::with_capacity(SUBSCRIPTIONS.len());
        for row in SUBSCRIPTIONS {
            let counts = counts.get(row.consumer).copied().unwrap_or_default();
            let dead = self.0.runtime.dead_letters(row.consumer).await.map_err(unanswered)?;
            statuses.push(QueueStatus {
                consumer: row.consumer.to_owned(),
                ready: counts.ready as u64,
                in_flight: counts.in_flight as u64,
                delayed: counts.delayed as u64,
                dead: dead.len() as u64,
            });
        }
        Ok(statuses)
    }

    async fn dead_letters(&self, consumer: &str) -> Result<Vec<StoredDeadLetter>, AdminError> {
        let rows = self.selected(consumer, &Selection::All).await?;
        Ok(rows.into_iter().map(|row| stored(consumer, row)).collect())
    }

    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError> {
        self.0.runtime.replace_body(consumer, id, &event.to_json()).await.map_err(unanswered)
    }

    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError> {
        let rows = self.selected(consumer, selection).await?;
        let outcomes = self.0.runtime.purge(consumer, &rows).await;
        outcomes.into_iter().try_fold(0, |purged, outcome| outcome.map(|()| purged + 1)).map_err(unanswered)
    }

    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: Progress<'_>,
    ) -> Result<u64, AdminError> {
        let mut replayed = 0;
        for letter in self.selected(consumer, selection).await? {
            let (broker, consumer) = (self.0.clone(), consumer.to_owned());
            // A task goes on when the caller goes away: a row that is written and not in the queue would wait for the next start.
            let revived = tokio::spawn(async move { broker.revive(&consumer, &letter).await });
            if revived.await.map_err(|error| AdminError(error.to_string()))?.map_err(unanswered)? {
                replayed += 1;
                progress();
            }
        }
        Ok(replayed)
    }
}

fn stored(consumer: &str, row: DeadLetterRow) -> StoredDeadLetter {
    StoredDeadLetter {
        id: row.id().to_owned(),
        consumer: consumer.to_owned(),
        code: row.code,
        reason: row.reason,
        attempts: row.attempts,
        first_at: Some(row.first_at),
        last_at: Some(row.last_at),
        body: row.body,
    }
}

fn unanswered(error: StoreError) -> AdminError {
    AdminError(error.to_string())
}
