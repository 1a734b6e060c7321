//! Every function of the system, under the faces that the bridge calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_bridge::{RuntimeTable, StreamTarget, Target, TargetError};
use orderflow_inventory::InventoryConsumer;
use orderflow_messaging::{Consumer, Publisher, QueueFunction, RetryPolicy};
use orderflow_notifications::NotificationConsumer;
use orderflow_orders::OrderTracker;
use orderflow_outbox_relay::{EVENT_SOURCES, Relay};
use orderflow_payments::{FaultSwitch, PaymentConsumer, SimulatedGateway};
use orderflow_store::Store;

use super::Settings;

/// The queue functions, by consumer.
pub(super) fn targets(
    store: &Store,
    settings: &Settings,
    gateway_fault: &FaultSwitch,
) -> BTreeMap<&'static str, Arc<dyn Target>> {
    let gateway = SimulatedGateway::new(store, settings.payment, gateway_fault.clone());
    [
        target(OrderTracker::new(store), &settings.retry),
        target(InventoryConsumer::new(store, settings.inventory.clone()), &settings.retry),
        target(PaymentConsumer::new(store, Arc::new(gateway)), &settings.retry),
        target(NotificationConsumer::new(store, settings.channel.clone()), &settings.retry),
    ]
    .into()
}

fn target<C: Consumer>(consumer: C, retry: &RetryPolicy) -> (&'static str, Arc<dyn Target>) {
    let name = consumer.name();
    (name, Arc::new(QueueFunction::new(consumer, retry.clone(), None)))
}

/// The relay function, publishing to `publisher`.
pub(super) fn relay(store: &Store, publisher: Arc<dyn Publisher>) -> Arc<dyn StreamTarget> {
    let dead_letters = RuntimeTable::new(store).dead_letter_queue("outbox-relay");
    Arc::new(RelayTarget(Relay::new(store, EVENT_SOURCES, publisher, Arc::new(dead_letters))))
}

struct RelayTarget(Relay);

#[async_trait]
impl StreamTarget for RelayTarget {
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError> {
        self.0.handle(batch).await.map_err(|error| TargetError(error.to_string()))
    }
}
