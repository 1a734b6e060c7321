//! The operator's view of the queues on SQS.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join_all;
use orderflow_domain::Event;
use orderflow_messaging::{
    AdminError, DeadLetter, DeadLetterVisit, QueueAdmin, QueueStatus, ReplayProgress, SUBSCRIPTIONS,
    Selection,
};
use tokio::sync::Mutex;

use crate::dead_letter_session::DeadLetterSession;
use crate::{Queue, Sqs, SqsError, waiting};

/// Administers the queues on SQS. A message is deleted from a queue only after the other queue stores it: an interrupted operation leaves some
/// messages in both, and consumers tolerate duplicates. Letters that another process reads are invisible meanwhile.
pub struct SqsAdmin {
    queues: Arc<Sqs>,
    /// One lock for each consumer: of two concurrent sessions the second would receive only the letters that the first left.
    locks: BTreeMap<&'static str, Mutex<()>>,
    /// Whether ready messages are looked at.
    is_polled: bool,
}

impl SqsAdmin {
    /// Creates an administrator of these queues. It does not look at ready messages: Lambda receives them within seconds, and a receive of its own counts
    /// as an attempt.
    pub fn new(queues: Arc<Sqs>) -> Self {
        let locks = SUBSCRIPTIONS.iter().map(|row| (row.consumer, Mutex::default())).collect();
        Self { queues, locks, is_polled: false }
    }

    /// Creates an administrator of queues that the program polls, which stay full while a consumer is stopped.
    pub fn of_polled(queues: Arc<Sqs>) -> Self {
        Self { is_polled: true, ..Self::new(queues) }
    }

    /// Returns the queue whose ready messages are looked at.
    async fn looked_at(&self, consumer: &str) -> Result<Option<Queue>, SqsError> {
        if !self.is_polled {
            return Ok(None);
        }
        Ok(self.queues.of(consumer).await?.map(|queues| queues.queue))
    }

    /// Starts a session with the dead letters of a consumer; `None` if there is no such consumer.
    async fn take(&self, consumer: &str) -> Result<Option<DeadLetterSession<'_>>, SqsError> {
        let Some((lock, queues)) = self.locks.get(consumer).zip(self.queues.of(consumer).await?) else {
            return Ok(None);
        };
        let mut session = DeadLetterSession::new(queues, lock.lock().await);
        let received = session.receive_all(consumer).await;
        session.release_on_error(received).await?;
        Ok(Some(session))
    }

    async fn status(&self, consumer: &str) -> Result<Option<QueueStatus>, SqsError> {
        let Some(queues) = self.queues.of(consumer).await? else { return Ok(None) };
        let (waiting, dead) = tokio::try_join!(queues.queue.counts(), queues.dead_letters.counts())?;
        Ok(Some(QueueStatus {
            consumer: consumer.to_owned(),
            ready: waiting.visible,
            // SQS does not distinguish messages in flight from those that wait for their retry.
            in_flight: waiting.not_visible,
            delayed: waiting.delayed,
            dead: dead.visible + dead.not_visible + dead.delayed,
        }))
    }

    async fn try_list(&self, consumer: &str) -> Result<Vec<DeadLetter>, SqsError> {
        let Some(session) = self.take(consumer).await? else { return Ok(Vec::new()) };
        session.release_on_error(session.list().await).await
    }

    async fn try_visit(&self, consumer: &str, visit: DeadLetterVisit<'_>) -> Result<(), SqsError> {
        let Some((lock, queues)) = self.locks.get(consumer).zip(self.queues.of(consumer).await?) else {
            return Ok(());
        };
        let mut session = DeadLetterSession::new(queues, lock.lock().await);
        let visited = session.visit_all(consumer, visit).await;
        session.release_on_error(visited).await
    }

    async fn try_replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, SqsError> {
        let Some(session) = self.take(consumer).await? else { return Ok(false) };
        session.release_on_error(session.replace(id, event).await).await
    }

    async fn try_waiting(&self, consumer: &str) -> Result<Vec<String>, SqsError> {
        let Some(queue) = self.looked_at(consumer).await? else { return Ok(Vec::new()) };
        waiting::read(&queue).await
    }

    async fn try_rewrite(
        &self,
        consumer: &str,
        replacements: &HashMap<String, String>,
    ) -> Result<usize, SqsError> {
        let Some(queue) = self.looked_at(consumer).await? else { return Ok(0) };
        waiting::rewrite(&queue, replacements).await
    }

    async fn try_purge(&self, consumer: &str, selection: &Selection) -> Result<u64, SqsError> {
        let Some(session) = self.take(consumer).await? else { return Ok(0) };
        session.release_on_error(session.purge(selection).await).await
    }

    async fn try_replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: ReplayProgress<'_>,
    ) -> Result<u64, SqsError> {
        let Some(session) = self.take(consumer).await? else { return Ok(0) };
        session.release_on_error(session.replay(selection, progress).await).await
    }
}

#[async_trait]
impl QueueAdmin for SqsAdmin {
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError> {
        let statuses = try_join_all(SUBSCRIPTIONS.iter().map(|row| self.status(row.consumer))).await;
        Ok(statuses.map_err(unanswered)?.into_iter().flatten().collect())
    }

    async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetter>, AdminError> {
        self.try_list(consumer).await.map_err(unanswered)
    }

    async fn visit_dead_letters(&self, consumer: &str, visit: DeadLetterVisit<'_>) -> Result<(), AdminError> {
        self.try_visit(consumer, visit).await.map_err(unanswered)
    }

    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError> {
        self.try_replace(consumer, id, event).await.map_err(unanswered)
    }

    async fn waiting(&self, consumer: &str) -> Result<Vec<String>, AdminError> {
        self.try_waiting(consumer).await.map_err(unanswered)
    }

    async fn rewrite(
        &self,
        consumer: &str,
        replacements: &HashMap<String, String>,
    ) -> Result<usize, AdminError> {
        self.try_rewrite(consumer, replacements).await.map_err(unanswered)
    }

    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError> {
        self.try_purge(consumer, selection).await.map_err(unanswered)
    }

    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: ReplayProgress<'_>,
    ) -> Result<u64, AdminError> {
        self.try_replay(consumer, selection, progress).await.map_err(unanswered)
    }
}

fn unanswered(error: SqsError) -> AdminError {
    AdminError(error.to_string())
}

#[cfg(test)]
#[path = "admin_tests.rs"]
mod tests;
