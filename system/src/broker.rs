//! The broker that carries events from the relay to the functions.

use std::sync::Arc;

use anyhow::{Context, bail};
use futures::future::BoxFuture;
use orderflow_bridge::memory::{MemoryAdmin, MemoryBroker};
use orderflow_bridge::rabbitmq::{
    BrokerAddress, ProbeRoute, Publishing, RabbitAdmin, RabbitConsumer, RabbitError, RabbitMq,
    RabbitPublisher, TopologyReconciler,
};
use orderflow_bridge::{ConsumerSwitch, InFlightTracker, NothingInFlight, RuntimeTable, Target, sdk_config};
use orderflow_messaging::{Publisher, QueueAdmin, RetryPolicy, SUBSCRIPTIONS};
use orderflow_sqs::{
    Provisioned, Provisioner, SnsPublisher, Sqs, SqsAdmin, SqsConsumer, SqsNames, SqsReconciler,
};
use orderflow_store::Store;
use tokio::sync::watch;

use super::health::{BrokerView, Connection};
use super::parts::{OUTBOX_RELAY, Parts};
use crate::BaseUrl;

/// The location of a broker outside this process.
#[derive(Debug, Clone)]
pub enum BrokerLocation {
    /// A RabbitMQ.
    RabbitMq(BrokerAddress),
    /// SNS and SQS at this endpoint.
    Sqs(BaseUrl),
}

/// A broker, in this process or outside it.
pub(crate) enum Broker {
    Memory(Arc<MemoryBroker>),
    RabbitMq(Rabbit),
    Sqs(Polled),
}

/// The connections to RabbitMQ. Publishing has its own connection, since RabbitMQ blocks publishing connections when it is short of memory
/// or disk.
pub(crate) struct Rabbit {
    publishing: Arc<RabbitMq>,
    consuming: Arc<RabbitMq>,
    admin: Arc<RabbitAdmin>,
    switch: ConsumerSwitch,
    policy: RetryPolicy,
    _reconciler: TopologyReconciler,
}

/// The topic and the queues of SNS and SQS.
pub(crate) struct Polled {
    queues: Arc<Sqs>,
    publisher: Arc<SnsPublisher>,
    admin: Arc<SqsAdmin>,
    switch: ConsumerSwitch,
    policy: RetryPolicy,
    provisioner: Provisioner,
    _reconciler: SqsReconciler,
}

impl Broker {
    /// Opens the memory broker with its stored messages, connects to RabbitMQ, or creates the missing queues on SQS. A RabbitMQ that cannot be
    /// reached is not an error: orders are accepted meanwhile, and the connection is retried.
    pub(crate) async fn open(
        location: Option<&BrokerLocation>,
        prefix: &str,
        store: &Store,
        policy: &RetryPolicy,
        parts: &Parts,
    ) -> anyhow::Result<Self> {
        match location {
            None => Ok(Self::Memory(MemoryBroker::open(RuntimeTable::new(store), policy.clone()).await?)),
            Some(BrokerLocation::RabbitMq(address)) => {
                Rabbit::open(address, policy, routes(parts)).await.map(Self::RabbitMq)
            }
            Some(BrokerLocation::Sqs(endpoint)) => {
                Polled::open(endpoint, prefix, policy).await.map(Self::Sqs)
            }
        }
    }

    /// Returns the publisher of the relay.
    pub(crate) fn publisher(&self) -> (Arc<dyn Publisher>, Arc<dyn InFlightTracker>) {
        match self {
            Self::Memory(broker) => {
                let publisher = broker.publisher();
                (publisher.clone(), publisher)
            }
            Self::RabbitMq(rabbit) => {
                (Arc::new(RabbitPublisher::new(rabbit.publishing.clone())), Arc::new(NothingInFlight))
            }
            Self::Sqs(polled) => (polled.publisher.clone(), Arc::new(NothingInFlight)),
        }
    }

    pub(crate) fn switch(&self) -> &ConsumerSwitch {
        match self {
            Self::Memory(broker) => broker.switch(),
            Self::RabbitMq(rabbit) => &rabbit.switch,
            Self::Sqs(polled) => &polled.switch,
        }
    }

    pub(crate) fn admin(&self) -> Arc<dyn QueueAdmin> {
        match self {
            Self::Memory(broker) => Arc::new(MemoryAdmin::new(broker.clone())),
            Self::RabbitMq(rabbit) => rabbit.admin.clone(),
            Self::Sqs(polled) => polled.admin.clone(),
        }
    }

    /// Returns the broker as the health check reaches it: over the connection that these parts use.
    pub(crate) fn view(&self, parts: &Parts) -> BrokerView {
        let connection = match self {
            Self::Memory(broker) => Connection::Own(broker.clone()),
            Self::RabbitMq(rabbit) => match routes(parts) {
                routes if routes.is_empty() => Connection::RabbitMq(rabbit.consuming.clone(), routes),
                routes => Connection::RabbitMq(rabbit.publishing.clone(), routes),
            },
            Self::Sqs(polled) => Connection::Sqs(polled.provisioner.clone()),
        };
        BrokerView::new(connection, self.switch().clone())
    }

    /// Delivers messages to a consumer until `stop` becomes true.
    pub(crate) fn run(
        &self,
        consumer: &'static str,
        target: Arc<dyn Target>,
        stop: watch::Receiver<bool>,
    ) -> BoxFuture<'static, ()> {
        match self {
            Self::Memory(broker) => Box::pin(broker.clone().run(consumer, target, stop)),
            Self::RabbitMq(Rabbit { publishing, consuming, switch, policy, .. }) => {
                let (publishing, consuming) = (publishing.clone(), consuming.clone());
                let (switch, policy) = (switch.clone(), policy.clone());
                let consumer = RabbitConsumer { consuming, publishing, consumer, target, policy, switch };
                Box::pin(consumer.run(stop))
            }
            Self::Sqs(Polled { queues, switch, policy, .. }) => {
                let (queues, switch, policy) = (queues.clone(), switch.clone(), policy.clone());
                Box::pin(SqsConsumer { queues, consumer, target, policy, switch }.run(stop))
            }
        }
    }

    /// Closes the connections.
    pub(crate) async fn close(&self) {
        if let Self::RabbitMq(rabbit) = self {
            rabbit.publishing.close().await;
            rabbit.consuming.close().await;
        }
    }
}

/// Returns where a process with these parts publishes on RabbitMQ.
fn routes(parts: &Parts) -> Vec<ProbeRoute> {
    let consumes = SUBSCRIPTIONS.iter().any(|row| parts.contains(row.consumer));
    let events = parts.contains(OUTBOX_RELAY).then_some(ProbeRoute::Events);
    events.into_iter().chain(consumes.then_some(ProbeRoute::Retries)).collect()
}

impl Polled {
    async fn open(endpoint: &BaseUrl, prefix: &str, policy: &RetryPolicy) -> anyhow::Result<Self> {
        let config = sdk_config(Some(&endpoint.to_string())).await;
        let made = orderflow_sqs::ensure(&config, SqsNames::new(prefix)).await;
        let Provisioned { queues, publisher, provisioner } =
            made.context("the topic and the queues cannot be created")?;
        let queues = Arc::new(queues);
        Ok(Self {
            publisher: Arc::new(publisher),
            admin: Arc::new(SqsAdmin::of_polled(queues.clone())),
            queues,
            switch: ConsumerSwitch::default(),
            policy: policy.clone(),
            _reconciler: SqsReconciler::start(provisioner.clone()),
            provisioner,
        })
    }
}

impl Rabbit {
    async fn open(
        address: &BrokerAddress,
        policy: &RetryPolicy,
        routes: Vec<ProbeRoute>,
    ) -> anyhow::Result<Self> {
        let consuming = RabbitMq::new(address.clone());
        match consuming.connect().await {
            Ok(()) => {}
            Err(error @ RabbitError::Mismatch { .. }) => bail!(error),
            // The connection logs it once, and connecting is retried.
            Err(RabbitError::Unreachable { .. } | RabbitError::Forbidden { .. }) => {}
            Err(error) => tracing::warn!(%error, "broker does not answer as expected; trying again"),
        }
        let (publishing, switch) = (consuming.beside(), ConsumerSwitch::default());
        let admin = Arc::new(RabbitAdmin::new(publishing.clone()));
        let connection = publishing.clone();
        let reconciler = TopologyReconciler::start(consuming.clone(), Publishing { connection, routes });
        Ok(Self { publishing, consuming, admin, switch, policy: policy.clone(), _reconciler: reconciler })
    }
}
