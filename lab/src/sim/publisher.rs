//! Publishes events to the queues of the simulated broker.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::Event;
use orderflow_messaging::{PublishError, Publisher, SUBSCRIPTIONS};
use serde_json::{Value, json};

use super::audit::evidence::Published;
use super::broker::Broker;
use super::crash::pause;
use super::fault::{FaultKind, Place};
use super::world::Counted;

/// The publisher of a relay.
pub(super) struct SimulatedPublisher {
    broker: Broker,
}

impl SimulatedPublisher {
    pub(super) fn new(broker: Broker) -> Self {
        Self { broker }
    }

    /// Puts an event into the queue of each of its subscribers.
    fn put(&self, event: &Event) {
        let world = &self.broker.world;
        let number = world.count(Counted::Event, Place::Relay);
        let mut envelope = serde_json::from_str(&event.to_json()).unwrap_or(Value::Null);
        if world.strikes(FaultKind::NewerEvent, Place::Relay, number).is_some() {
            make_newer(&mut envelope);
        }
        if world.strikes(FaultKind::OlderEvent, Place::Relay, number).is_some() {
            make_older(&mut envelope);
        }
        let body = envelope.to_string();
        let at = world.moment();
        world.note("broker", format_args!("took {body}"));
        world.record(|evidence| evidence.published.push(Published { at, event: envelope }));
        for row in SUBSCRIPTIONS.iter().filter(|row| row.types.contains(&event.event_type())) {
            self.broker.push(row.consumer, body.clone(), Duration::ZERO);
        }
    }
}

/// Adds fields that this version does not know.
fn make_newer(envelope: &mut Value) {
    envelope["priority"] = json!("high");
    envelope["data"]["loyalty"] = json!({"tier": 3});
}

/// Takes away what earlier versions did not have, and gives an attribute its former name. `placed_at` stays: after an update from a version
/// without it, the analytics have to be rebuilt.
fn make_older(envelope: &mut Value) {
    let Some(attributes) = envelope.as_object_mut() else { return };
    for name in ["source", "subject", "datacontenttype", "traceparent"] {
        attributes.remove(name);
    }
    if let Some(resend) = attributes.remove("resend") {
        attributes.insert("redrive".to_owned(), resend);
    }
}

#[async_trait]
impl Publisher for SimulatedPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        pause().await;
        let world = &self.broker.world;
        let number = world.count(Counted::Publication, Place::Relay);
        let failed = world.strikes(FaultKind::PublishFailed, Place::Relay, number);
        let unanswered = world.strikes(FaultKind::PublishAnswerLost, Place::Relay, number);
        // One entry at least, and the others by the bits of the amount.
        let hits = |amount: Option<u32>, position: usize| {
            amount.is_some_and(|amount| {
                position == amount as usize % events.len() || amount >> (position % 16) & 3 == 3
            })
        };
        let mut results = Vec::with_capacity(events.len());
        for (position, event) in events.iter().enumerate() {
            if hits(failed, position) {
                results.push(Err(PublishError("simulated: not published".to_owned())));
                continue;
            }
            self.put(event);
            results.push(if hits(unanswered, position) {
                Err(PublishError("simulated: no answer".to_owned()))
            } else {
                Ok(())
            });
        }
        pause().await;
        results
    }
}
