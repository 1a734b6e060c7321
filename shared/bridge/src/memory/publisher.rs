//! Publishes events to the queues in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orderflow_domain::{Event, Timestamp};
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

impl InFlightTracker for MemoryPublisher {
    fn has_room(&self) -> bool {
        self.broker.has_room()
    }

    fn begin(&self, in_flight: Arc<InFlight>, attempts: u32) {
        *lock(&self.batch) = BatchContext { in_flight, attempts };
    }
}

#[async_trait]
impl Publisher for MemoryPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let BatchContext { in_flight, attempts } = lock(&self.batch).clone();
        let now = Timestamp::now();
        let mut queues = lock(&self.broker.queues);
        for event in events {
            let body: Arc<str> = event.to_json().into();
            let history = AttemptHistory { attempts, first_at: now };
            for row in SUBSCRIPTIONS.iter().filter(|row| row.types.contains(&event.event_type())) {
                if let Some(queue) = queues.get_mut(row.consumer) {
                    queue.push(Message::new(event, body.clone(), history, in_flight.clone()));
                }
            }
        }
        drop(queues);
        for row in SUBSCRIPTIONS {
            if events.iter().any(|event| row.types.contains(&event.event_type())) {
                self.broker.announce(row.consumer);
            }
        }
        vec![Ok(()); events.len()]
    }
}
