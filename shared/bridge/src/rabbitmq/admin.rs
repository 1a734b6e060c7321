//! Queues of the broker as operators handle them: their counts, and the dead letters.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::try_join_all;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use orderflow_domain::Event;
use orderflow_messaging::{
    AdminError, DeadLetter, DeadLetterVisit, QueueAdmin, QueueStatus, ReplayProgress, SUBSCRIPTIONS,
    Selection,
};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::closing::close;
use super::dead_letter_session::{HeldDeadLetter, HeldDeadLetters};
use super::headers::{of_replacement, of_replay, read_dead_letter};
use super::in_flight::InFlight;
use super::names::{DELAY_TIERS, dead_letter_queue, delay_queue, queue};
use super::transfer::Transfer;
use super::{RabbitError, RabbitMq, waiting};

/// The number of dead letters that are published and confirmed before they are removed from the dead-letter queue. An interrupted replay
/// delivers at most this many twice.
const CHUNK: usize = 100;

/// The time that the broker may take to count the messages of all queues.
const COUNT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait for messages in flight. A consumer that is always busy may never be without one.
const IN_FLIGHT_WAIT: Duration = Duration::from_secs(5);

const IN_FLIGHT_POLL: Duration = Duration::from_millis(20);

/// Administers the queues of a broker. It removes a message from one queue only after the broker confirmed it in the other. An interrupted
/// call can leave a message in both queues, which consumers tolerate because they are idempotent.
pub struct RabbitAdmin {
    broker: Arc<RabbitMq>,
    locks: BTreeMap<&'static str, DeadLetterLock>,
}

/// Admits one session at a time: of two concurrent sessions the second would receive only the letters that the first left.
#[derive(Default)]
struct DeadLetterLock {
    lock: Arc<Mutex<()>>,
    /// Letters in a session of this process, which the broker does not count as ready.
    held: InFlight,
}

impl RabbitAdmin {
    /// Returns an administrator of this broker's queues.
    pub fn new(broker: Arc<RabbitMq>) -> Self {
        let locks = SUBSCRIPTIONS.iter().map(|row| (row.consumer, DeadLetterLock::default())).collect();
        Self { broker, locks }
    }

    /// Takes the dead letters of a consumer. Returns `None` if there is no such consumer.
    async fn take(&self, consumer: &str) -> Result<Option<HeldDeadLetters>, RabbitError> {
        let Some(lock) = self.locks.get(consumer) else { return Ok(None) };
        let turn = lock.lock.clone().lock_owned().await;
        HeldDeadLetters::take(&self.broker, consumer, &lock.held, turn, None).await.map(Some)
    }

    /// Waits until this process has no message of a consumer in flight: one that is delivered while the others are read can be delayed afterwards.
    async fn wait_until_none_is_in_flight(&self, consumer: &str) {
        let in_flight = self.broker.in_flight(consumer);
        let _in_time = timeout(IN_FLIGHT_WAIT, async {
            while in_flight.messages() > 0 {
                sleep(IN_FLIGHT_POLL).await;
            }
        })
        .await;
    }

    async fn statuses(&self) -> Result<Vec<QueueStatus>, RabbitError> {
        match self.try_statuses().await {
            // Counting a queue that does not exist closes the channel.
            Err(RabbitError::Broken(_)) => {
                self.broker.declare_again().await?;
                self.try_statuses().await
            }
            statuses => statuses,
        }
    }

    async fn try_statuses(&self) -> Result<Vec<QueueStatus>, RabbitError> {
        let channel = self.broker.channel().await?;
        let statuses = try_join_all(SUBSCRIPTIONS.iter().map(|row| self.status(&channel, row.consumer)));
        let statuses = timeout(COUNT_TIMEOUT, statuses).await;
        close(&channel).await;
        statuses
            .map_err(|_| RabbitError::Broken("the broker did not count its messages in time".to_owned()))?
    }

    async fn status(&self, channel: &Channel, consumer: &str) -> Result<QueueStatus, RabbitError> {
        let names = DELAY_TIERS.iter().map(|delay| delay_queue(consumer, *delay));
        let names = names.chain([queue(consumer), dead_letter_queue(consumer)]);
        let counts = try_join_all(names.map(|name| count(channel, name))).await?;
        let (delayed, others) = counts.split_at(DELAY_TIERS.len());
        let held = self.locks.get(consumer).map_or(0, |lock| lock.held.messages());
        Ok(QueueStatus {
            consumer: consumer.to_owned(),
            ready: others[0],
            in_flight: self.broker.in_flight(consumer).messages() as u64,
            delayed: delayed.iter().sum(),
            dead: others[1] + held as u64,
        })
    }

    async fn try_list(&self, consumer: &str) -> Result<Vec<DeadLetter>, RabbitError> {
        let Some(letters) = self.take(consumer).await? else { return Ok(Vec::new()) };
        let mut found: Vec<_> =
            letters.iter().map(|letter| read_dead_letter(consumer, &letter.delivery)).collect();
        letters.give_back().await?;
        // Replaced dead letters are at the end of the queue, and requeued ones may change places.
        found.sort_by(|a, b| (a.last_at, &a.id).cmp(&(b.last_at, &b.id)));
        Ok(found)
    }

    async fn try_visit(&self, consumer: &str, visit: DeadLetterVisit<'_>) -> Result<(), RabbitError> {
        let Some(lock) = self.locks.get(consumer) else { return Ok(()) };
        let turn = lock.lock.clone().lock_owned().await;
        let mut visit = |delivery: &Delivery| visit(read_dead_letter(consumer, delivery));
        let taken = HeldDeadLetters::take(&self.broker, consumer, &lock.held, turn, Some(&mut visit)).await?;
        taken.give_back().await
    }

    async fn try_replace(&self, consumer: &str, id: &str, event: &Event) -> Result<bool, RabbitError> {
        let Some(letters) = self.take(consumer).await? else { return Ok(false) };
        let selection = Selection::Ids(vec![id.to_owned()]);
        let selected = selected(&letters, consumer, &selection);
        if let Some(letter) = selected.first() {
            let (queue, body) = (dead_letter_queue(consumer), event.to_json());
            let properties = of_replacement(&letter.delivery, event);
            letters.publish(vec![Transfer { queue, body: body.as_bytes(), properties }]).await?;
        }
        // An interrupted replacement may have left two dead letters with this id.
        for letter in &selected {
            letters.remove(letter).await?;
        }
        let found = !selected.is_empty();
        letters.finish().await?;
        Ok(found)
    }

    async fn try_purge(&self, consumer: &str, selection: &Selection) -> Result<u64, RabbitError> {
        let Some(letters) = self.take(consumer).await? else { return Ok(0) };
        let selected = selected(&letters, consumer, selection);
        for letter in &selected {
            letters.remove(letter).await?;
        }
        let removed = selected.len() as u64;
        letters.finish().await?;
        Ok(removed)
    }

    async fn try_replay(
        &self,
        consumer: &str,
        selection: &Selection,
        progress: ReplayProgress<'_>,
    ) -> Result<u64, RabbitError> {
        let Some(letters) = self.take(consumer).await? else { return Ok(0) };
        let selected = selected(&letters, consumer, selection);
        for chunk in selected.chunks(CHUNK) {
            self.publish_to_consumer(&letters, consumer, chunk).await?;
            for letter in chunk {
                letters.remove(letter).await?;
                progress();
            }
        }
        let replayed = selected.len() as u64;
        letters.finish().await?;
        Ok(replayed)
    }

    /// Publishes these letters to the consumer's queue.
    async fn publish_to_consumer(
        &self,
        letters: &HeldDeadLetters,
        consumer: &str,
        chunk: &[&HeldDeadLetter],
    ) -> Result<(), RabbitError> {
        let transfers = || chunk.iter().map(|letter| replay(consumer, letter)).collect();
        match letters.publish(transfers()).await {
            // The queue can be missing.
            Err(RabbitError::Unconfirmed(_)) => {
                self.broker.declare_again().await?;
                letters.publish(transfers()).await
            }
            published => published,
        }
    }
}

fn selected<'a>(
    letters: &'a HeldDeadLetters,
    consumer: &str,
    selection: &Selection,
) -> Vec<&'a HeldDeadLetter> {
    letters
        .iter()
        .filter(|letter| selection.includes(&read_dead_letter(consumer, &letter.delivery)))
        .collect()
}

fn replay<'a>(consumer: &str, letter: &'a HeldDeadLetter) -> Transfer<'a> {
    let delivery = &letter.delivery;
    Transfer { queue: queue(consumer), body: &delivery.data, properties: of_replay(delivery) }
}

/// Returns the number of ready messages of a queue.
async fn count(channel: &Channel, name: String) -> Result<u64, RabbitError> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    let found = channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await?;
    Ok(u64::from(found.message_count()))
}

#[async_trait]
impl QueueAdmin for RabbitAdmin {
    async fn queues(&self) -> Result<Vec<QueueStatus>, AdminError> {
        self.statuses().await.map_err(unanswered)
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
        self.wait_until_none_is_in_flight(consumer).await;
        waiting::read(&self.broker, consumer).await.map_err(unanswered)
    }

    async fn rewrite(
        &self,
        consumer: &str,
        replacements: &HashMap<String, String>,
    ) -> Result<usize, AdminError> {
        self.wait_until_none_is_in_flight(consumer).await;
        waiting::rewrite(&self.broker, consumer, replacements).await.map_err(unanswered)
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

fn unanswered(error: RabbitError) -> AdminError {
    AdminError(error.to_string())
}
