//! The operator's view of the simulated broker.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::Event;
use orderflow_messaging::{
    AdminError, DeadLetter, QueueAdmin, QueueStatus, ReplayProgress, SUBSCRIPTIONS, Selection,
};

use super::audit::evidence::Fate;
use super::broker::Broker;
use super::crash::pause;
use super::queue::{Dead, Decided};

/// Administers the queues.
pub(super) struct SimulatedAdmin(Broker);

impl SimulatedAdmin {
    pub(super) fn new(broker: Broker) -> Self {
        Self(broker)
    }

    /// Takes the selected dead letters out of their queue.
    fn take(&self, consumer: &str, selection: &Selection) -> Vec<Dead> {
        let taken = self.0.with_queue(consumer, |queue| {
            let (taken, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut queue.dead)
                .into_iter()
                .partition(|dead| selection.includes(&dead.letter));
            queue.dead = kept;
            taken
        });
        taken.unwrap_or_default()
    }
}

#[async_trait]
impl QueueAdmin for SimulatedAdmin {
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError> {
        let status = |consumer: &str| {
            self.0.with_queue(consumer, |queue| QueueStatus {
                consumer: consumer.to_owned(),
                ready: queue.ready.len() as u64,
                in_flight: queue.in_flight.len() as u64,
                delayed: 0,
                dead: queue.dead.len() as u64,
            })
        };
        Ok(SUBSCRIPTIONS.iter().filter_map(|row| status(row.consumer)).collect())
    }

    async fn dead_letters(&self, consumer: &str) -> Result<Vec<DeadLetter>, AdminError> {
        pause().await;
        Ok(self.0.dead(consumer).into_iter().map(|dead| dead.letter).collect())
    }

    async fn replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, AdminError> {
        pause().await;
        let body = event.to_json();
        let replaced = self.0.with_queue(consumer, |queue| {
            let mut found = false;
            for dead in queue.dead.iter_mut().filter(|dead| dead.letter.id == id) {
                dead.letter.body.clone_from(&body);
                found = true;
            }
            found
        });
        Ok(replaced.unwrap_or(false))
    }

    async fn waiting(&self, consumer: &str) -> Result<Vec<String>, AdminError> {
        self.0.wait_until_none_is_in_flight(consumer).await;
        let bodies =
            self.0.with_queue(consumer, |queue| queue.ready.iter().map(|m| m.body.clone()).collect());
        Ok(bodies.unwrap_or_default())
    }

    async fn rewrite(
        &self,
        consumer: &str,
        replacements: &HashMap<String, String>,
    ) -> Result<usize, AdminError> {
        self.0.wait_until_none_is_in_flight(consumer).await;
        let rewritten = self.0.with_queue(consumer, |queue| {
            let mut rewritten = 0;
            for message in &mut queue.ready {
                if let Some(body) = replacements.get(&message.body) {
                    message.body.clone_from(body);
                    rewritten += 1;
                }
            }
            rewritten
        });
        Ok(rewritten.unwrap_or(0))
    }

    async fn purge(&self, consumer: &str, selection: &Selection) -> Result<u64, AdminError> {
        pause().await;
        let purged = self.take(consumer, selection);
        for Dead { copy, letter } in &purged {
            self.0.world.note(consumer, format_args!("dead letter {} purged", letter.id));
            self.0.record(consumer, Decided::by_operator(*copy, &letter.body, Fate::Purged));
        }
        Ok(purged.len() as u64)
    }

    async fn replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: ReplayProgress<'_>,
    ) -> Result<u64, AdminError> {
        pause().await;
        let Some(row) = SUBSCRIPTIONS.iter().find(|row| row.consumer == consumer) else { return Ok(0) };
        let replayed = self.take(consumer, selection);
        for Dead { copy, letter } in &replayed {
            self.0.world.note(consumer, format_args!("dead letter {} replayed", letter.id));
            self.0.record(consumer, Decided::by_operator(*copy, &letter.body, Fate::Replayed));
            self.0.push_copy(row.consumer, *copy, letter.body.clone(), Duration::ZERO);
            progress();
        }
        Ok(replayed.len() as u64)
    }
}
