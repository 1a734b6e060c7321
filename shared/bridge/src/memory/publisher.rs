//! Publishes events to the queues in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orderflow_domain::Event;
use orderflow_messaging::{AttemptHistory, PublishError, Publisher, SUBSCRIPTIONS};

use super::{MemoryBroker, Message, lock};
use crate::relay::{InFlight, InFlightTracker};

/// Publishes the events of one stream. They belong to the stream batch that is being read.
pub struct MemoryPublisher {
    broker: Arc<MemoryBroker>,
    batch: Mutex<BatchContext>,
}

/// The stream batch that is being read.
#[derive(Debug, Clone, Default)]
struct BatchContext {
    in_flight: Arc<InFlight>,
    /// The attempts that earlier processes made with the batch.
    attempts: u32,
}

impl MemoryBroker {
    /// Returns a publisher for one stream.
    pub fn publisher(self: &Arc<Self>) -> Arc<MemoryPublisher> {
        Arc::new(MemoryPublisher { broker: self.clone(), batch: Mutex::default() })
    }
}

impl MemoryPublisher {
    /// Queues the events. Returns the messages that have to get a row first, because there is no room in memory or their consumer is stopped.
    fn push(
        &self,
        events: &[Event],
        history: AttemptHistory,
        in_flight: &Arc<InFlight>,
    ) -> Vec<(&'static str, Message)> {
        let mut rowless = Vec::new();
        let mut queues = lock(&self.broker.queues);
        for event in events {
            let (event, body) = (Arc::new(event.clone()), Arc::<str>::from(event.to_json()));
            for row in SUBSCRIPTIONS.iter().filter(|row| row.types.contains(&event.event_type())) {
                let Some(queue) = queues.get_mut(row.consumer) else { continue };
                let message = Message::new(event.clone(), body.clone(), history, in_flight.clone());
                if queue.has_room() && !self.broker.switch.is_stopped(row.consumer) {
                    queue.push(message);
                } else {
                    rowless.push((row.consumer, message));
                }
            }
        }
        rowless
    }
}

impl InFlightTracker for MemoryPublisher {
    /// There is always room: a message without a place in memory gets a row.
    fn has_room(&self) -> bool {
        true
    }

    fn begin(&self, in_flight: Arc<InFlight>, attempts: u32) {
        *lock(&self.batch) = BatchContext { in_flight, attempts };
    }
}

#[async_trait]
impl Publisher for MemoryPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let BatchContext { in_flight, attempts } = lock(&self.batch).clone();
        let first_at = self.broker.clock.now();
        let history = AttemptHistory { attempts, first_at };
        let rowless = self.push(events, history, &in_flight);
        if !rowless.is_empty() {
            self.broker.store(rowless).await;
        }
        for row in SUBSCRIPTIONS {
            if events.iter().any(|event| row.types.contains(&event.event_type())) {
                self.broker.announce(row.consumer);
            }
        }
        vec![Ok(()); events.len()]
    }
}
