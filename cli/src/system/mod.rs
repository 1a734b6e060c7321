//! The whole system in one process: the embedded store, the memory broker, and every function under it.

mod demo;
mod faults;
mod functions;
mod liveness;
mod running;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use orderflow_bridge::memory::{MemoryBroker, Pump, StreamTrimmer};
use orderflow_bridge::{RUNTIME, RuntimeTable, Target};
use orderflow_domain::{Currency, Timestamp};
use orderflow_embedded::{Embedded, Location};
use orderflow_http::{HealthCheck, health_router, with_fallbacks};
use orderflow_inventory::InventorySettings;
use orderflow_messaging::RetryPolicy;
use orderflow_notifications::{Channel, LogChannel};
use orderflow_outbox_relay::EVENT_SOURCES;
use orderflow_payments::{FaultSwitch, SimulatedSettings};
use orderflow_store::{DEFAULT_PREFIX, IndependentWrites, Store, TableDefinition};

use liveness::Liveness;

pub use demo::DEMO_PRODUCTS;
pub use running::Running;

/// Every table of the system.
pub static TABLES: &[&TableDefinition] = &[
    &orderflow_orders::ORDERS,
    &orderflow_catalog::CATALOG,
    &orderflow_inventory::INVENTORY,
    &orderflow_payments::PAYMENTS,
    &orderflow_notifications::NOTIFICATIONS,
    &RUNTIME,
];

/// What the system is made with.
pub struct Settings {
    /// Where the data is.
    pub location: Location,
    /// When failed deliveries come again.
    pub retry: RetryPolicy,
    /// Settings of `inventory-reserve`.
    pub inventory: InventorySettings,
    /// Settings of the simulated payment provider.
    pub payment: SimulatedSettings,
    /// What carries messages to customers.
    pub channel: Arc<dyn Channel>,
    /// The currency of the shop.
    pub currency: Currency,
}

impl Settings {
    /// The defaults, over data in this place.
    pub fn new(location: Location) -> Self {
        Self {
            location,
            retry: RetryPolicy::default(),
            inventory: InventorySettings::default(),
            payment: SimulatedSettings::default(),
            channel: Arc::new(LogChannel),
            currency: Currency::parse("USD").expect("it is three letters"),
        }
    }
}

/// The system, put together and standing still: work is done by [`System::drain`], or by itself after [`System::start`].
pub struct System {
    embedded: Embedded,
    store: Store,
    broker: Arc<MemoryBroker>,
    targets: BTreeMap<&'static str, Arc<dyn Target>>,
    pumps: Vec<Pump>,
    gateway_fault: FaultSwitch,
    currency: Currency,
    /// Whether everything that hands messages on is at work.
    liveness: Liveness,
}

impl System {
    /// Opens the data, makes what tables are missing, and puts the parts together.
    ///
    /// # Errors
    /// Where the data cannot be opened.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        let embedded = Embedded::open(settings.location.clone())?;
        let store = Store::new(embedded.dynamodb(), DEFAULT_PREFIX, IndependentWrites::OneTransaction);
        store.create_missing_tables(TABLES).await.context("the tables cannot be made")?;
        let broker = MemoryBroker::open(RuntimeTable::new(&store), settings.retry.clone()).await?;
        let gateway_fault = FaultSwitch::default();
        let targets = functions::targets(&store, &settings, &gateway_fault);
        let pumps = open_pumps(&embedded, &store, &broker).await?;
        Ok(Self {
            embedded,
            store,
            broker,
            targets,
            pumps,
            gateway_fault,
            currency: settings.currency,
            liveness: Liveness::new(),
        })
    }

    /// Sells the demo products, where nothing is sold yet.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn sell_demo_products(&self) -> anyhow::Result<()> {
        demo::sell(&self.store, &self.currency).await
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The database under the store.
    pub fn embedded(&self) -> &Embedded {
        &self.embedded
    }

    /// The broker.
    pub fn broker(&self) -> &Arc<MemoryBroker> {
        &self.broker
    }

    /// The function of a consumer.
    pub fn target(&self, consumer: &str) -> Option<&Arc<dyn Target>> {
        self.targets.get(consumer)
    }

    /// Everything that is served over HTTP, for clients of this machine only: whoever can reach it can also break it on purpose.
    pub fn local_router(&self) -> Router {
        with_fallbacks(self.routes().merge(faults::router(self.broker.clone(), self.gateway_fault.clone())))
    }

    /// Everything that is served over HTTP.
    pub fn router(&self) -> Router {
        with_fallbacks(self.routes())
    }

    fn routes(&self) -> Router {
        let table = self.store.table(&orderflow_orders::ORDERS);
        let store = HealthCheck::new("store", move || {
            let table = table.clone();
            async move { table.touch().await.is_ok() }
        });
        let liveness = self.liveness.clone();
        let broker = HealthCheck::new("broker", move || {
            let alive = liveness.is_alive();
            async move { alive }
        });
        orderflow_orders::router(&self.store)
            .merge(orderflow_shop_api::router(&self.store, self.currency.clone()))
            .merge(health_router(vec![store, broker]))
    }

    /// Does all the work there is by hand, and returns when nothing is left to do: every event relayed, every message settled, and
    /// what was put off tried again without waiting for its time.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn drain(&mut self) -> anyhow::Result<()> {
        let mut now = Timestamp::now();
        loop {
            while self.step(now).await? > 0 {}
            match self.broker.next_due() {
                Some(due) => now = now.max(due),
                None => return Ok(()),
            }
        }
    }

    /// One round: relays what the streams hold, and delivers one batch to each consumer. Gives how much was done.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn step(&mut self, now: Timestamp) -> anyhow::Result<usize> {
        let mut done = 0;
        for pump in &mut self.pumps {
            done += pump.pump_once().await?;
        }
        for (consumer, target) in &self.targets {
            done += self.broker.deliver(consumer, target, now).await;
        }
        for pump in &mut self.pumps {
            pump.save_cursor().await?;
        }
        Ok(done)
    }

    /// Lets every part do its work by itself.
    pub fn start(self) -> Running {
        Running::start(self)
    }
}

async fn open_pumps(
    embedded: &Embedded,
    store: &Store,
    broker: &Arc<MemoryBroker>,
) -> anyhow::Result<Vec<Pump>> {
    let trimmer: Arc<dyn StreamTrimmer> = Arc::new(EmbeddedTrimmer(embedded.clone()));
    let mut pumps = Vec::new();
    for source in EVENT_SOURCES {
        let publisher = broker.publisher();
        let relay = functions::relay(store, publisher.clone());
        let (streams, table) = (embedded.streams(), store.table_name(source.table));
        pumps.push(Pump::open(broker.clone(), streams, &table, relay, publisher, trimmer.clone()).await?);
    }
    Ok(pumps)
}

struct EmbeddedTrimmer(Embedded);

impl StreamTrimmer for EmbeddedTrimmer {
    fn trim(&self, table: &str, sequence_number: &str) {
        if let Err(error) = self.0.trim_stream(table, sequence_number) {
            tracing::warn!(table, %error, "the stream could not be trimmed; it only grows");
        }
    }
}
