//! The operator's view of the queues in memory.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::Event;
use orderflow_messaging::{
    AdminError, COUNTED_MAX, DeadLetter, DeadLetterPage, QueueAdmin, QueueStatus, ReplayProgress,
    SUBSCRIPTIONS, Selection,
};
use orderflow_store::StoreError;
use tokio::time::{sleep, timeout};

use super::queue::Queue;
use super::{MemoryBroker, Message};
use crate::DeadLetterRow;

/// Administers the queues of a broker in this process. Its dead letters are rows of the table `runtime`.
pub struct MemoryAdmin(Arc<MemoryBroker>);

impl MemoryAdmin {
    /// Creates an administrator of this broker's queues.
    pub fn new(broker: Arc<MemoryBroker>) -> Self {
        Self(broker)
    }

    async fn selected(
        &self,
        consumer: &str,
        selection: &Selection,
    ) -> Result<Vec<DeadLetterRow>, AdminError> {
        let mut rows = self.0.runtime.dead_letters(consumer).await.map_err(unanswered)?;
        rows.retain(|row| selection.includes(&row.clone().into_letter(consumer)));
        rows.sort_by_key(|row| row.last_at);
        Ok(rows)
    }
}

/// How long to wait for messages in flight. A consumer that is always busy may never be without one.
const IN_FLIGHT_WAIT: Duration = Duration::from_secs(5);

const IN_FLIGHT_POLL: Duration = Duration::from_millis(5);

impl MemoryBroker {
    /// Waits until no message of a consumer is in flight: one that is delivered while the others are read can be delayed afterwards.
    async fn wait_until_none_is_in_flight(&self, consumer: &str) {
        let is_quiet = || self.with_queue(consumer, |queue| queue.counts().in_flight == 0).unwrap_or(true);
        let _in_time = timeout(IN_FLIGHT_WAIT, async {
            while !is_quiet() {
                sleep(IN_FLIGHT_POLL).await;
            }
        })
        .await;
    }

    /// Sends a dead letter back to its queue. Returns false if it no longer exists.
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

    async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetter>, AdminError> {
        let rows = self.selected(consumer, &Selection::All).await?;
        Ok(rows.into_iter().map(|row| row.into_letter(consumer)).collect())
    }

    async fn dead_letter_page(
        &self,
        consumer: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<DeadLetterPage, AdminError> {
        let found = self.0.runtime.dead_letter_page(consumer, after, limit).await;
        let (rows, next) = found.map_err(unanswered)?;
        let letters = rows.into_iter().map(|row| row.into_letter(consumer)).collect();
        let mut page = DeadLetterPage { letters, next };
        if page.limit_bytes() {
            page.next = page.letters.last().map(|letter| letter.id.clone());
        }
        Ok(page)
    }

    async fn dead_letter(&self, consumer: &str, id: &str) -> Result<Option<DeadLetter>, AdminError> {
        let found = self.0.runtime.dead_letter(consumer, id).await.map_err(unanswered)?;
        Ok(found.map(|row| row.into_letter(consumer)))
    }

    async fn dead_letter_codes(&self, consumer: &str) -> Result<Vec<String>, AdminError> {
        self.0.runtime.dead_letter_codes(consumer, COUNTED_MAX).await.map_err(unanswered)
    }

    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError> {
        self.0.runtime.replace_body(consumer, id, &event.to_json()).await.map_err(unanswered)
    }

    async fn waiting(&self, consumer: &str) -> Result<Vec<String>, AdminError> {
        self.0.wait_until_none_is_in_flight(consumer).await;
        let bodies = |queue: &mut Queue| queue.held().map(|message| message.body.to_string()).collect();
        let mut bodies: HashSet<String> = self.0.with_queue(consumer, bodies).unwrap_or_default();
        // Other bodies are only in rows. The row of a delayed message stays while the message is in flight again.
        let rows = self.0.runtime.delayed(consumer).await.map_err(unanswered)?;
        bodies.extend(rows.into_iter().map(|row| row.body));
        Ok(bodies.into_iter().collect())
    }

    async fn rewrite(
        &self,
        consumer: &str,
        replacements: &HashMap<String, String>,
    ) -> Result<usize, AdminError> {
        self.0.wait_until_none_is_in_flight(consumer).await;
        let in_memory = self.0.with_queue(consumer, |queue| queue.rewrite(replacements)).unwrap_or_default();
        let in_rows = self.0.runtime.rewrite_delayed(consumer, replacements).await.map_err(unanswered)?;
        Ok(in_memory.max(in_rows))
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
        progress: ReplayProgress<'_>,
    ) -> Result<u64, AdminError> {
        let mut replayed = 0;
        for letter in self.selected(consumer, selection).await? {
            let (broker, consumer) = (self.0.clone(), consumer.to_owned());
            // In a task, which continues if the caller is dropped: a row that is written but not in the queue would wait for the next start.
            let revived = tokio::spawn(async move { broker.revive(&consumer, &letter).await });
            if revived.await.map_err(|error| AdminError(error.to_string()))?.map_err(unanswered)? {
                replayed += 1;
                progress();
            }
        }
        Ok(replayed)
    }
}

fn unanswered(error: StoreError) -> AdminError {
    AdminError(error.to_string())
}
