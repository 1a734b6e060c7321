//! The whole system, or some of its parts: a store, a broker, and the functions between them.

mod base_url;
mod broker;
mod data;
mod demo;
mod expiry;
mod faults;
mod functions;
mod gauges;
mod idle;
mod liveness;
mod outbox;
mod parts;
mod probe;
mod recount;
mod routes;
mod running;
mod tables;
mod trimming;

use std::sync::Arc;

use anyhow::{Context, bail};
use orderflow_bridge::{RUNTIME, RuntimeTable, StreamPoller, Target};
use orderflow_catalog::{Catalog, CatalogSettings};
use orderflow_domain::{Currency, Timestamp};
use orderflow_embedded::{Embedded, Location};
use orderflow_inventory::InventorySettings;
use orderflow_messaging::{QueueAdmin, RetryPolicy};
use orderflow_notifications::{Channel, Providers, Templates};
use orderflow_orders::{ExpirySettings, Swept};
use orderflow_outbox_relay::EVENT_SOURCES;
use orderflow_payments::{FaultSwitch, PaymentGateway, PaymentProvider};
use orderflow_store::{DEFAULT_PREFIX, Store, TableDefinition};
use orderflow_telemetry::MetricsPage;

use broker::Broker;
use data::Data;
use expiry::Sweeper;
use functions::Targets;
use liveness::Liveness;
use outbox::OutboxBacklog;
use parts::{ORDER_EXPIRY, ORDER_INTAKE, OUTBOX_RELAY};

pub use base_url::{BaseUrl, BaseUrlError};
pub use broker::BrokerLocation;
pub use data::StoreLocation;
pub use demo::DEMO_PRODUCTS;
pub use functions::{Functions, Invocation};
pub use idle::IdleProbe;
pub use parts::{Part, Parts, UnknownPart};
pub use probe::is_embedded;
pub use recount::{recount_analytics, recount_store};
pub use running::Running;
pub use tables::{make_tables, table_states};
pub use trimming::Trimming;

/// Every table of the system.
pub static TABLES: &[&TableDefinition] = &[
    &orderflow_orders::ORDERS,
    &orderflow_catalog::CATALOG,
    &orderflow_inventory::INVENTORY,
    &orderflow_payments::PAYMENTS,
    &orderflow_notifications::NOTIFICATIONS,
    &orderflow_analytics::ANALYTICS,
    &RUNTIME,
];

/// What the system is made with.
#[derive(Clone)]
pub struct Settings {
    /// Where the tables are.
    pub store: StoreLocation,
    /// The prefix of the names of tables, and of topic and queues on SNS and SQS.
    pub prefix: String,
    /// What carries events; none carries them in this process.
    pub broker: Option<BrokerLocation>,
    /// What of the system this process runs.
    pub parts: Parts,
    /// What the queues' messages are handed to.
    pub functions: Functions,
    /// When failed deliveries come again.
    pub retry: RetryPolicy,
    /// Settings of the catalog.
    pub catalog: CatalogSettings,
    /// Settings of `inventory-reserve`.
    pub inventory: InventorySettings,
    /// Settings of `order-expiry`.
    pub expiry: ExpirySettings,
    /// What moves the money.
    pub payment: PaymentProvider,
    /// What carries messages to customers.
    pub channel: Arc<dyn Channel>,
    /// What these messages are made from.
    pub templates: Arc<Templates>,
    /// The currency of the shop.
    pub currency: Currency,
}

impl Settings {
    /// The defaults, over data in this process.
    pub fn new(location: Location) -> Self {
        Self {
            store: StoreLocation::Embedded(location),
            prefix: DEFAULT_PREFIX.to_owned(),
            broker: None,
            parts: Parts::all(),
            functions: Functions::InProcess,
            retry: RetryPolicy::default(),
            catalog: CatalogSettings::default(),
            inventory: InventorySettings::default(),
            expiry: ExpirySettings::default(),
            payment: PaymentProvider::default(),
            channel: Arc::new(Providers::default()),
            templates: Arc::new(Templates::built_in()),
            currency: Currency::parse("USD").expect("it is three letters"),
        }
    }
}

/// The system, put together and standing still: it works by itself after [`System::start`]. With the broker in this process
/// [`System::drain`] does the work by hand.
pub struct System {
    data: Data,
    store: Store,
    catalog: Catalog,
    broker: Broker,
    parts: Parts,
    targets: Targets,
    stream_pollers: Vec<StreamPoller>,
    sweeper: Option<Sweeper>,
    gateway: Arc<dyn PaymentGateway>,
    gateway_fault: FaultSwitch,
    currency: Currency,
    templates: Arc<Templates>,
    /// Whether everything that hands messages on is at work.
    liveness: Liveness,
}

impl System {
    /// Opens the data, makes what tables are missing, and puts the parts together.
    ///
    /// # Errors
    /// Where the data cannot be opened.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        // Before the parts are made: they show their state from the start.
        MetricsPage::install();
        let data = Data::open(&settings.store, &settings.prefix).await?;
        let store = data.store(&settings.prefix);
        tables::make(&store).await?;
        let broker =
            Broker::open(settings.broker.as_ref(), &settings.prefix, &store, &settings.retry).await?;
        let gateway_fault = FaultSwitch::default();
        let gateway = settings.payment.gateway(&store, &gateway_fault)?;
        let mut targets = functions::targets(&store, &settings, &gateway).await;
        targets.retain(|consumer, _| settings.parts.contains(consumer));
        let stream_pollers = match settings.parts.contains(OUTBOX_RELAY) {
            true => open_stream_pollers(&data, &store, &broker).await?,
            false => Vec::new(),
        };
        let sweeps = settings.parts.contains(ORDER_EXPIRY);
        let sweeper = sweeps.then(|| Sweeper::new(&store, settings.expiry));
        let catalog = Catalog::new(&store, &settings.catalog);
        if settings.parts.contains(ORDER_INTAKE) {
            warm_up(&catalog).await;
        }
        Ok(Self {
            data,
            store,
            catalog,
            broker,
            parts: settings.parts,
            targets,
            stream_pollers,
            sweeper,
            gateway,
            gateway_fault,
            currency: settings.currency,
            templates: settings.templates,
            liveness: Liveness::new(),
        })
    }

    /// Sells the demo products, where nothing is sold yet.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn sell_demo_products(&self) -> anyhow::Result<()> {
        demo::sell(&self.store, &self.catalog, &self.currency).await
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The database under the store, where it is in this process.
    pub fn embedded(&self) -> Option<&Embedded> {
        match &self.data {
            Data::Embedded(embedded) => Some(embedded),
            Data::Endpoint { .. } => None,
        }
    }

    /// Looks after the queues.
    pub fn admin(&self) -> Arc<dyn QueueAdmin> {
        self.broker.admin()
    }

    /// The function of a consumer.
    pub fn target(&self, consumer: &str) -> Option<&Arc<dyn Target>> {
        self.targets.get(consumer).map(|function| &function.target)
    }

    /// Tells whether anything is left to do, also after [`System::start`].
    pub fn idle_probe(&self) -> IdleProbe {
        let stream_pollers = self
            .stream_pollers
            .iter()
            .map(|stream_poller| (stream_poller.status(), self.data.changes(stream_poller.table())))
            .collect();
        IdleProbe::new(stream_pollers, self.broker.admin(), self.broker.switch().clone())
    }

    fn outbox_backlog(&self) -> OutboxBacklog {
        OutboxBacklog::new(self.stream_pollers.iter().map(StreamPoller::status).collect())
    }

    /// Does all the work there is by hand, and returns when nothing is left to do: every event relayed, every message settled, and
    /// what was put off tried again without waiting for its time.
    ///
    /// # Errors
    /// Where the store does not answer, or the broker is not in this process.
    pub async fn drain(&mut self) -> anyhow::Result<()> {
        let mut now = Timestamp::now();
        loop {
            while self.step(now).await? > 0 {}
            match self.next_due() {
                Some(due) => now = now.max(due),
                None => return Ok(()),
            }
        }
    }

    /// The earliest time at which a put-off message comes again, where the broker is in this process.
    pub fn next_due(&self) -> Option<Timestamp> {
        match &self.broker {
            Broker::Memory(broker) => broker.next_due(),
            Broker::RabbitMq(_) | Broker::Sqs(_) => None,
        }
    }

    /// One round: relays what the streams hold, and delivers one batch to each consumer. Gives how much was done.
    ///
    /// # Errors
    /// Where the store does not answer, or the broker is not in this process.
    pub async fn step(&mut self, now: Timestamp) -> anyhow::Result<usize> {
        let Broker::Memory(broker) = &self.broker else {
            bail!("only the broker of this process is worked by hand");
        };
        let mut done = 0;
        for stream_poller in &mut self.stream_pollers {
            done += stream_poller.poll_once().await?;
        }
        for (consumer, function) in &self.targets {
            done += broker.deliver(consumer, &function.target, now).await;
        }
        for stream_poller in &mut self.stream_pollers {
            stream_poller.save_cursor().await?;
        }
        Ok(done)
    }

    /// Resends and cancels the orders that are open too long as of `now`, by hand. No other call does: time alone changes nothing.
    ///
    /// # Errors
    /// Where the store does not answer, or this process does not run `order-expiry`.
    pub async fn sweep(&self, now: Timestamp) -> anyhow::Result<Swept> {
        let sweeper = self.sweeper.as_ref().context("this process does not run order-expiry")?;
        Ok(sweeper.sweep(now).await?)
    }

    /// Lets every part do its work by itself.
    pub fn start(self) -> Running {
        Running::start(self)
    }
}

/// Best effort: what is not warm is read when it is asked for.
async fn warm_up(catalog: &Catalog) {
    if let Err(error) = catalog.warm_up_all().await {
        tracing::warn!(%error, "the catalog is not warmed up");
    }
}

async fn open_stream_pollers(
    data: &Data,
    store: &Store,
    broker: &Broker,
) -> anyhow::Result<Vec<StreamPoller>> {
    let mut stream_pollers = Vec::new();
    for source in EVENT_SOURCES {
        let (publisher, sink) = broker.publisher();
        let relay = functions::relay(store, publisher);
        let (runtime, table) = (RuntimeTable::new(store), store.table_name(source.table));
        stream_pollers
            .push(StreamPoller::open(runtime, data.streams(), &table, relay, sink, data.trimmer()).await?);
    }
    Ok(stream_pollers)
}
