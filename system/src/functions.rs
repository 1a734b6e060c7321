//! Every function of the system, under the faces that the bridge calls.

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
use crate::BaseUrl;

/// What the queues' messages are handed to.
#[derive(Debug, Clone)]
pub enum Functions {
    /// The functions in this process.
    InProcess,
    /// Functions behind Lambda Invoke endpoints.
    Invoked(Invocation),
}

/// How functions elsewhere are invoked.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The endpoint of all consumers that have none of their own; without it only those are driven that have one.
    pub endpoint: Option<BaseUrl>,
    /// Consumers with an endpoint of their own.
    pub endpoints: BTreeMap<&'static str, BaseUrl>,
    /// The functions' name; `{consumer}` in it stands for the consumer's.
    pub function_name: String,
    /// How long a call may take.
    pub call_timeout: Duration,
}

/// A consumer's function, and how it is worked.
pub(crate) struct QueueTarget {
    pub target: Arc<dyn Target>,
    /// Batches that are handed to it at a time.
    pub batches: usize,
}

/// Functions by consumer.
pub(crate) type Targets = BTreeMap<&'static str, QueueTarget>;

/// One batch at a time is right for functions that are done as fast as the store writes: more would only compete for it. Those that wait for
/// somebody else's service work on several.
fn batches_at_a_time(consumer: &str) -> usize {
    match consumer {
        "payment" | "notification" => 4,
        _ => 1,
    }
}

/// The queue functions, by consumer.
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
    let target = Arc::new(QueueFunction::new(consumer, retry.clone(), None));
    (name, QueueTarget { target, batches: batches_at_a_time(name) })
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
        // One batch of a hundred at a time, since emulators of Lambda take one event at a time.
        targets.insert(consumer, QueueTarget { target, batches: 1 });
    }
    targets
}

/// The relay function, publishing to `publisher`.
pub(crate) fn relay(store: &Store, publisher: Arc<dyn Publisher>) -> Arc<dyn StreamTarget> {
    let dead_letters = RuntimeTable::new(store).dead_letter_queue("outbox-relay");
    Arc::new(RelayTarget(Relay::new(store, EVENT_SOURCES, publisher, Arc::new(dead_letters))))
}

struct RelayTarget(Relay);

#[async_trait]
impl StreamTarget for RelayTarget {
    async fn invoke(&self, batch: StreamEvent) -> Result<(), TargetError> {
        self.0.handle(batch).await.map_err(|error| TargetError::Failed(error.to_string()))
    }
}
