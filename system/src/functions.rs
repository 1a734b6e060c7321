//! The functions of the system, as the targets that the bridge delivers to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_analytics::AnalyticsConsumer;
use orderflow_bridge::{
    GuardedTarget, LambdaClient, LambdaTarget, RuntimeTable, StreamTarget, Target, TargetError, sdk_config,
};
use orderflow_inventory::InventoryConsumer;
use orderflow_messaging::{Consumer, Publisher, QueueFunction, RetryPolicy, SUBSCRIPTIONS};
use orderflow_notifications::NotificationConsumer;
use orderflow_orders::OrderTracker;
use orderflow_outbox_relay::{EVENT_SOURCES, Relay};
use orderflow_payments::{PaymentConsumer, PaymentGateway};
use orderflow_store::Store;

use super::Settings;
use crate::{BaseUrl, StoreLocation};

/// The functions that messages are delivered to.
#[derive(Debug, Clone)]
pub enum Functions {
    /// Functions in this process.
    InProcess,
    /// Functions behind Lambda Invoke endpoints.
    Invoked(Invocation),
}

/// How functions behind Lambda Invoke endpoints are invoked.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The endpoint of every consumer without one of its own. Without it, only consumers with an endpoint of their own run.
    pub endpoint: Option<BaseUrl>,
    /// Consumers with an endpoint of their own.
    pub endpoints: BTreeMap<&'static str, BaseUrl>,
    /// The name of the functions; `{consumer}` in it stands for the name of the consumer.
    pub function_name: String,
    /// The timeout of an invocation.
    pub call_timeout: Duration,
}

/// The function of a consumer, and its concurrency.
pub(crate) struct QueueTarget {
    pub target: Arc<dyn Target>,
    /// The number of batches that it processes at the same time.
    pub batches: usize,
}

/// Functions by consumer.
pub(crate) type Targets = BTreeMap<&'static str, QueueTarget>;

/// Returns how many batches a consumer processes at the same time. A function that is limited by the store gets one, since more would only
/// compete for it. The functions that wait for an external provider get several.
fn concurrent_batches(consumer: &str) -> usize {
    match consumer {
        "payment" | "notification" => 4,
        _ => 1,
    }
}

/// Returns the queue functions, by consumer.
pub(crate) async fn targets(
    store: &Store,
    settings: &Settings,
    gateway: &Arc<dyn PaymentGateway>,
) -> Targets {
    match &settings.functions {
        Functions::InProcess => in_process(store, settings, gateway),
        Functions::Invoked(invocation) => invoked(invocation).await,
    }
}

fn in_process(store: &Store, settings: &Settings, gateway: &Arc<dyn PaymentGateway>) -> Targets {
    let notification = NotificationConsumer::new(store, settings.channel.clone(), settings.templates.clone());
    let notification = match settings.store {
        StoreLocation::Embedded(_) | StoreLocation::Given(_) => notification.alone(),
        StoreLocation::Endpoint(_) => notification,
    };
    [
        target(OrderTracker::new(store), &settings.retry),
        target(InventoryConsumer::new(store, settings.inventory.clone()), &settings.retry),
        target(PaymentConsumer::new(store, gateway.clone()), &settings.retry),
        target(notification, &settings.retry),
        target(AnalyticsConsumer::new(store), &settings.retry),
    ]
    .into()
}

fn target<C: Consumer>(consumer: C, retry: &RetryPolicy) -> (&'static str, QueueTarget) {
    let name = consumer.name();
    let target = Arc::new(QueueFunction::new(consumer, retry.clone()));
    (name, QueueTarget { target, batches: concurrent_batches(name) })
}

async fn invoked(invocation: &Invocation) -> Targets {
    let mut targets = Targets::new();
    for consumer in SUBSCRIPTIONS.iter().map(|row| row.consumer) {
        let Some(endpoint) = invocation.endpoints.get(consumer).or(invocation.endpoint.as_ref()) else {
            continue;
        };
        let client = LambdaClient::new(&sdk_config(Some(&endpoint.to_string())).await);
        let name = invocation.function_name.replace("{consumer}", consumer);
        let function = LambdaTarget::new(&client, name, invocation.call_timeout);
        let target = Arc::new(GuardedTarget::new(function, format!("function-{consumer}")));
        // One batch at a time, since emulators of Lambda process one invocation at a time.
        targets.insert(consumer, QueueTarget { target, batches: 1 });
    }
    targets
}

/// Returns the relay function, which publishes to `publisher`.
pub(crate) fn relay(store: &Store, publisher: Arc<dyn Publisher>) -> Arc<dyn StreamTarget> {
    let dead_letters = RuntimeTable::new(store).dead_letter_queue();
    let relay = Relay::new(store, EVENT_SOURCES, publisher.clone(), Arc::new(dead_letters));
    Arc::new(RelayTarget { relay, publisher })
}

struct RelayTarget {
    relay: Relay,
    publisher: Arc<dyn Publisher>,
}

#[async_trait]
impl StreamTarget for RelayTarget {
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError> {
        self.relay.handle(batch).await.map_err(|error| {
            let failed =
                if self.publisher.is_connected() { TargetError::Failed } else { TargetError::Unreachable };
            failed(error.to_string())
        })
    }
}
