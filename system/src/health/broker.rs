//! The check of the broker, and what it found out about the queues.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orderflow_bridge::ConsumerSwitch;
use orderflow_bridge::memory::MemoryBroker;
use orderflow_bridge::rabbitmq::{ProbeRoute, QueueInspection, RabbitMq};
use orderflow_domain::Timestamp;
use orderflow_http::{CheckState, HealthCheck, PartHealth, PartState};
use orderflow_sqs::{Piece, Provisioner};
use tokio::time::Instant;

use super::activity::Activities;

/// The time after the start in which a queue may lack its consumer, unless it had one already.
const START: Duration = Duration::from_secs(5);

/// The pause before a queue without a consumer is looked at again: a consumer that changes its prefetch leaves the queue for a moment.
const SECOND_LOOK: Duration = Duration::from_millis(200);

const NO_CONSUMER: &str = "no process consumes its queue";

const PAUSED: &str = "an operator paused it";

const FAULT: &str = "a fault of /api/v1/admin/faults stops it";

/// The broker as the health check reaches it. Clones share what the check found out.
#[derive(Clone)]
pub(crate) struct BrokerView {
    pub connection: Connection,
    pub switch: ConsumerSwitch,
    opened_at: Instant,
    queues: Arc<Mutex<Queues>>,
}

/// The connection that the check uses.
#[derive(Clone)]
pub(crate) enum Connection {
    /// This process is the broker.
    Own(Arc<MemoryBroker>),
    /// A RabbitMQ, and where this process publishes.
    RabbitMq(Arc<RabbitMq>, Vec<ProbeRoute>),
    /// SNS and SQS.
    Sqs(Provisioner),
}

#[derive(Default)]
struct Queues {
    found: BTreeMap<&'static str, QueueInspection>,
    /// Since when a queue has no consumer.
    deserted: BTreeMap<&'static str, Timestamp>,
    /// The consumers whose queue had a consumer since the start of this process.
    consumed: BTreeSet<&'static str>,
}

impl BrokerView {
    pub(crate) fn new(connection: Connection, switch: ConsumerSwitch) -> Self {
        Self { connection, switch, opened_at: Instant::now(), queues: Arc::default() }
    }

    /// Returns a check that is up while the broker confirms what this process publishes, each queue has a consumer, and no part of this
    /// process has ended unexpectedly.
    pub(crate) fn check(&self, activities: Activities) -> HealthCheck {
        let view = self.clone();
        HealthCheck::new("broker", move || {
            let (view, ended) = (view.clone(), activities.ended());
            async move {
                match view.state().await {
                    CheckState::Up if !ended.is_empty() => {
                        CheckState::Down(format!("{} ended unexpectedly", ended.join(", ")))
                    }
                    state => state,
                }
            }
        })
    }

    /// Returns a check for a process whose work does not need the broker: it is degraded where [`Self::check`] is down.
    pub(crate) fn check_of_others(&self) -> HealthCheck {
        let view = self.clone();
        HealthCheck::new("broker", move || {
            let view = view.clone();
            async move {
                match view.state().await {
                    CheckState::Down(reason) => CheckState::Degraded(reason),
                    state => state,
                }
            }
        })
    }

    /// Returns a check that is up while the broker answers and has what events need, with or without consumers.
    pub(crate) fn connection_check(&self) -> HealthCheck {
        let connection = self.connection.clone();
        HealthCheck::new("connection", move || {
            let connection = connection.clone();
            async move {
                match connection {
                    Connection::Own(_) => CheckState::Up,
                    Connection::RabbitMq(broker, _) => broker.is_up().await.into(),
                    Connection::Sqs(provisioner) => complete(&provisioner).await,
                }
            }
        })
    }

    /// Returns whether the broker is outside this process.
    pub(crate) fn is_remote(&self) -> bool {
        !matches!(self.connection, Connection::Own(_))
    }

    async fn state(&self) -> CheckState {
        match &self.connection {
            Connection::Own(_) => CheckState::Up,
            Connection::Sqs(provisioner) => complete(provisioner).await,
            Connection::RabbitMq(broker, routes) => self.look(broker, routes).await,
        }
    }

    async fn look(&self, broker: &RabbitMq, routes: &[ProbeRoute]) -> CheckState {
        let mut found = broker.inspect(routes).await;
        if found.as_ref().is_ok_and(|found| !self.deserted(&self.lock().consumed, found).is_empty()) {
            tokio::time::sleep(SECOND_LOOK).await;
            found = broker.inspect(&[]).await;
        }
        let mut queues = self.lock();
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                (queues.found, queues.deserted) = (BTreeMap::new(), BTreeMap::new());
                return CheckState::Down(error.to_string());
            }
        };
        queues.consumed.extend(found.iter().filter(|(_, queue)| queue.consumers > 0).map(|(name, _)| *name));
        let deserted = self.deserted(&queues.consumed, &found);
        let since = |consumer: &&'static str| {
            (*consumer, queues.deserted.get(consumer).copied().unwrap_or_else(Timestamp::now))
        };
        queues.deserted = deserted.iter().map(since).collect();
        queues.found = found;
        match &deserted[..] {
            [] => CheckState::Up,
            consumers => {
                CheckState::Down(format!("no process consumes the queue of {}", consumers.join(", ")))
            }
        }
    }

    /// Returns the consumers whose queue no process consumes, although no operator stopped them in this process.
    fn deserted(
        &self,
        consumed: &BTreeSet<&'static str>,
        found: &BTreeMap<&'static str, QueueInspection>,
    ) -> Vec<&'static str> {
        let is_starting = self.opened_at.elapsed() < START;
        let deserted = found.iter().filter(|(_, queue)| queue.consumers == 0).map(|(consumer, _)| *consumer);
        let is_expected = |consumer: &&'static str| {
            (!is_starting || consumed.contains(consumer)) && !self.switch.is_stopped(consumer)
        };
        deserted.filter(is_expected).collect()
    }

    /// Adds what is known about the queues to the health of their consumers, those of other processes included.
    pub(crate) fn describe(&self, parts: &mut BTreeMap<&'static str, PartHealth>) {
        match &self.connection {
            Connection::Own(broker) => describe_own(broker, parts),
            Connection::RabbitMq(..) => {
                let queues = self.lock();
                for (consumer, queue) in &queues.found {
                    let part = parts.entry(consumer).or_insert_with(|| PartHealth::new(PartState::Running));
                    part.waiting = Some(queue.messages.into());
                    if let Some(since) = queues.deserted.get(consumer) {
                        part.state = PartState::Failing;
                        part.since = Some(since.to_string());
                        part.reason = Some(NO_CONSUMER.to_owned());
                    }
                }
            }
            Connection::Sqs(_) => {}
        }
        for (name, part) in parts.iter_mut().filter(|(name, _)| self.switch.is_stopped(name)) {
            let paused = self.switch.paused_since(name);
            let reason = if paused.is_some() { PAUSED } else { FAULT };
            part.state = PartState::Stopped;
            (part.since, part.reason) = (paused.map(|since| since.to_string()), Some(reason.to_owned()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether topic, queues and subscriptions exist.
async fn complete(provisioner: &Provisioner) -> CheckState {
    match provisioner.missing().await {
        Ok(missing) if missing.is_empty() => CheckState::Up,
        Ok(missing) => {
            let missing: Vec<String> = missing.iter().map(Piece::to_string).collect();
            CheckState::Down(format!("missing: {}", missing.join(", ")))
        }
        Err(error) => CheckState::Down(error.to_string()),
    }
}

fn describe_own(broker: &MemoryBroker, parts: &mut BTreeMap<&'static str, PartHealth>) {
    let oldest = broker.oldest();
    for (consumer, counts) in broker.counts() {
        if let Some(part) = parts.get_mut(consumer) {
            part.waiting = u64::try_from(counts.ready + counts.delayed).ok();
            let age = oldest.get(consumer).map(|oldest| Timestamp::now().since(*oldest));
            part.oldest_waiting_seconds = age.map(|age| age.as_secs_f64());
        }
    }
}
