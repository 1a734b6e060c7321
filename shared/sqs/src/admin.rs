//! What operators do with the queues of this broker.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join_all;
use orderflow_domain::Event;
use orderflow_messaging::{
    AdminError, Progress, QueueAdmin, QueueStatus, SUBSCRIPTIONS, Selection, StoredDeadLetter,
};
use tokio::sync::Mutex;

use crate::dead_letter_session::DeadLetterSession;
use crate::{Sqs, SqsError};

/// Looks after the queues of SQS. It never deletes a message before it is kept in its new place: whoever is interrupted leaves some messages
/// in both, which consumers bear. What somebody else looks at is hidden meanwhile.
pub struct SqsAdmin {
    queues: Arc<Sqs>,
    /// Where one caller at a time deals with the dead letters of a consumer: another one would see only what the first left.
    turns: BTreeMap<&'static str, Mutex<()>>,
}

impl SqsAdmin {
    /// Looks after these queues.
    pub fn new(queues: Arc<Sqs>) -> Self {
        Self { queues, turns: SUBSCRIPTIONS.iter().map(|row| (row.consumer, Mutex::default())).collect() }
    }

    /// Takes the dead letters of a consumer; none where there is no such consumer.
    async fn take(&self, consumer: &str) -> Result<Option<DeadLetterSession<'_>>, SqsError> {
        let Some((turn, queues)) = self.turns.get(consumer).zip(self.queues.of(consumer).await?) else {
            return Ok(None);
        };
        let mut session = DeadLetterSession::new(queues, turn.lock().await);
        let filled = session.fill(consumer).await;
        session.release_on_error(filled).await?;
        Ok(Some(session))
    }

    async fn status(&self, consumer: &str) -> Result<Option<QueueStatus>, SqsError> {
        let Some(queues) = self.queues.of(consumer).await? else { return Ok(None) };
        let (waiting, dead) = tokio::try_join!(queues.queue.counts(), queues.dead_letters.counts())?;
        Ok(Some(QueueStatus {
            consumer: consumer.to_owned(),
            ready: waiting.visible,
            // SQS does not tell what is worked on from what was put off.
            in_flight: waiting.not_visible,
            delayed: waiting.delayed,
            dead: dead.visible + dead.not_visible + dead.delayed,
        }))
    }

    async fn list(&self, consumer: &str) -> Result<Vec<StoredDeadLetter>, SqsError> {
        let Some(session) = self.take(consumer).await? else { return Ok(Vec::new()) };
        session.release_on_error(session.list().await).await
    }

    async fn exchange(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, SqsError> {
        let Some(session) = self.take(consumer).await? else { return Ok(false) };
        session.release_on_error(session.exchange(id, event).await).await
    }

    async fn remove(&self, consumer: &str, selection: &Selection) -> Result<u64, SqsError> {
        let Some(session) = self.take(consumer).await? else { return Ok(0) };
        session.release_on_error(session.remove(selection).await).await
    }

    async fn send_back(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: Progress<'_>,
    ) -> Result<u64, SqsError> {
        let Some(session) = self.take(consumer).await? else { return Ok(0) };
        session.release_on_error(session.send_back(selection, progress).await).await
    }
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

#[cfg(test)]
#[path = "admin_tests.rs"]
mod tests;
