//! The composition root: puts a store, a broker and the parts of the system together, and runs them in one process.
//!
//! The program and the tests of the whole system use it. It reads no environment variable and no flag: [`Settings`] has every choice.

mod backlog;
mod base_url;
mod broker;
mod data;
mod demo;
mod endpoint_kind;
mod expiry;
mod faults;
mod functions;
mod health;
mod idle;
mod live;
mod maintenance;
mod parts;
mod pauses;
mod protocol;
mod relaying;
mod remnants;
mod routes;
mod running;
mod tables;
mod trimming;

use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use orderflow_backoff::Outage;
use orderflow_bridge::{RUNTIME, RuntimeTable, StreamPoller, Target};
use orderflow_catalog::{Catalog, CatalogSettings, claim_currency};
use orderflow_domain::{ChargeRules, Currency, Timestamp};
use orderflow_engine::Location;
use orderflow_inventory::InventorySettings;
use orderflow_messaging::{QueueAdmin, RetryPolicy};
use orderflow_notifications::{Channel, Providers, Templates};
use orderflow_orders::{ExpirySettings, Swept};
use orderflow_outbox_relay::EVENT_SOURCES;
use orderflow_payments::{FaultSwitch, PaymentGateway, PaymentProvider, WebhookSecret};
use orderflow_store::{DEFAULT_PREFIX, Store, TableDefinition};
use orderflow_telemetry::MetricsPage;

use backlog::OutboxBacklog;
use broker::Broker;
use data::Data;
use expiry::Sweeper;
use functions::Targets;
use health::{Activities, Observed};
use live::OrderFeed;
use parts::{ORDER_EXPIRY, ORDER_INTAKE, OUTBOX_RELAY};
use pauses::Pauses;
use relaying::Relaying;

pub use base_url::{BaseUrl, BaseUrlError};
pub use broker::BrokerLocation;
pub use data::{EmbeddedStore, StoreLocation};
pub use demo::DEMO_PRODUCTS;
pub use endpoint_kind::is_orderflow_store;
pub use functions::{Functions, Invocation};
pub use idle::IdleProbe;
pub use maintenance::{make_tables, rebuild_analytics, rebuild_analytics_in, table_states};
pub use parts::{Part, Parts, UnknownPart};
pub use protocol::protocol_of;
pub use running::Running;
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

/// The settings of a system.
#[derive(Clone)]
pub struct Settings {
    /// Where the tables are.
    pub store: StoreLocation,
    /// The prefix of the names of tables, and of topic and queues on SNS and SQS.
    pub prefix: String,
    /// The broker outside this process; `None` for the one in this process.
    pub broker: Option<BrokerLocation>,
    /// The parts that this process runs.
    pub parts: Parts,
    /// The functions that messages are delivered to.
    pub functions: Functions,
    /// When failed deliveries are retried.
    pub retry: RetryPolicy,
    /// Settings of the catalog.
    pub catalog: CatalogSettings,
    /// Settings of `inventory-reserve`.
    pub inventory: InventorySettings,
    /// Settings of `order-expiry`.
    pub expiry: ExpirySettings,
    /// The payment provider.
    pub payment: PaymentProvider,
    /// The secret of the payment provider's events; without it they are not received.
    pub webhook_secret: Option<WebhookSecret>,
    /// The channel for messages to customers.
    pub channel: Arc<dyn Channel>,
    /// The templates of messages to customers.
    pub templates: Arc<Templates>,
    /// The currency of the shop.
    pub currency: Currency,
}

impl Settings {
    /// Returns the defaults, with the embedded store.
    pub fn new(location: Location) -> Self {
        Self {
            store: StoreLocation::Embedded(location.into()),
            prefix: DEFAULT_PREFIX.to_owned(),
            broker: None,
            parts: Parts::all(),
            functions: Functions::InProcess,
            retry: RetryPolicy::default(),
            catalog: CatalogSettings::default(),
            inventory: InventorySettings::default(),
            expiry: ExpirySettings::default(),
            payment: PaymentProvider::default(),
            webhook_secret: None,
            channel: Arc::new(Providers::default()),
            templates: Arc::new(Templates::built_in()),
            currency: Currency::parse("USD").expect("it is three letters"),
        }
    }
}

/// A system whose parts do not run yet. [`System::start`] runs them. With the broker in this process, [`System::run_until_idle`] instead does the
/// pending work step by step, as tests need it.
pub struct System {
    data: Data,
    store: Store,
    catalog: Catalog,
    broker: Broker,
    parts: Parts,
    targets: Targets,
    stream_pollers: Vec<StreamPoller>,
    relaying: Relaying,
    sweeper: Option<Sweeper>,
    gateway: Arc<dyn PaymentGateway>,
    gateway_fault: FaultSwitch,
    /// The route of the payment provider's events.
    webhook: Router,
    currency: Currency,
    charge_rules: ChargeRules,
    templates: Arc<Templates>,
    channel: Arc<dyn Channel>,
    /// What each part did last.
    activities: Activities,
    /// What the published events say about orders.
    feed: OrderFeed,
    /// The consumers that an operator paused.
    pauses: Pauses,
}

impl System {
    /// Opens the data, creates missing tables, and puts the parts together.
    ///
    /// # Errors
    /// If the data cannot be opened, or the broker has queues with other arguments.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        // Before the parts are created, so that their first metrics are recorded.
        MetricsPage::install();
        Data::check_untouched(&settings.store, &settings.prefix, &settings.currency).await?;
        let data = Data::open(&settings.store).await?;
        let store = data.store(&settings.prefix);
        data.check_prefix(&settings.prefix).await?;
        maintenance::create_missing_tables(&store).await?;
        claim_currency(&store, &settings.currency).await?;
        // Before the memory broker loads the delayed messages, which another process may still change.
        let relaying = Relaying::open(&settings, &data, &store).await;
        let broker = Broker::open(
            settings.broker.as_ref(),
            &settings.prefix,
            &store,
            &settings.retry,
            &settings.parts,
        )
        .await?;
        let gateway_fault = FaultSwitch::default();
        let gateway = settings.payment.gateway(&store, &gateway_fault)?;
        let webhook = settings.payment.webhook_router(&store, settings.webhook_secret.clone())?;
        let mut targets = functions::targets(&store, &settings, &gateway).await;
        targets.retain(|consumer, _| settings.parts.contains(consumer));
        let activities = Activities::new(&settings.parts);
        for (consumer, function) in &mut targets {
            function.target = Observed::new(function.target.clone(), activities.of(consumer));
        }
        let pauses = Pauses::new(RuntimeTable::new(&store), broker.switch().clone());
        pauses.apply().await?;
        let feed = OrderFeed::default();
        let stream_pollers = match settings.parts.contains(OUTBOX_RELAY) {
            true => open_stream_pollers(&store, &broker, &activities, &feed).await?,
            false => Vec::new(),
        };
        let sweeps = settings.parts.contains(ORDER_EXPIRY);
        let sweeper = sweeps.then(|| Sweeper::new(&store, settings.expiry, activities.of(ORDER_EXPIRY)));
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
            relaying,
            sweeper,
            gateway,
            gateway_fault,
            webhook,
            currency: settings.currency,
            charge_rules: settings.payment.charge_rules(),
            templates: settings.templates,
            channel: settings.channel,
            activities,
            feed,
            pauses,
        })
    }

    /// Adds the demo products if the catalog is empty, or an earlier start was cut off while it added them.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn add_demo_products(&self) -> anyhow::Result<()> {
        demo::add_products(&self.store, &self.catalog, &self.currency, &self.charge_rules).await
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the administration of the queues and dead letters.
    pub fn admin(&self) -> Arc<dyn QueueAdmin> {
        self.broker.admin()
    }

    /// Returns the function of a consumer, if this process runs it.
    pub fn target(&self, consumer: &str) -> Option<&Arc<dyn Target>> {
        self.targets.get(consumer).map(|function| &function.target)
    }

    /// Returns a probe that detects whether work is left, also after [`System::start`].
    pub fn idle_probe(&self) -> IdleProbe {
        let stream_pollers = self
            .stream_pollers
            .iter()
            .map(|stream_poller| {
                (stream_poller.status(), self.store.backend().changes(stream_poller.table()))
            })
            .collect();
        IdleProbe::new(stream_pollers, self.broker.admin(), self.broker.switch().clone())
    }

    fn outbox_backlog(&self) -> OutboxBacklog {
        OutboxBacklog::new(self.stream_pollers.iter().map(StreamPoller::status).collect())
    }

    /// Does all pending work, and returns when none is left: it relays every event, delivers every message, and retries delayed messages
    /// without waiting for their time.
    ///
    /// # Errors
    /// If the store does not answer, or the broker is not in this process.
    pub async fn run_until_idle(&mut self) -> anyhow::Result<()> {
        let mut now = Timestamp::now();
        loop {
            while self.step(now).await? > 0 {}
            match self.next_due() {
                Some(due) => now = now.max(due),
                None => return Ok(()),
            }
        }
    }

    /// Returns the earliest time at which a delayed message is due, if the broker is in this process.
    pub fn next_due(&self) -> Option<Timestamp> {
        match &self.broker {
            Broker::Memory(broker) => broker.next_due(),
            Broker::RabbitMq(_) | Broker::Sqs(_) => None,
        }
    }

    /// Does one step: relays the events in the streams, and delivers one batch to each consumer. Returns the number of events and messages.
    ///
    /// # Errors
    /// If the store does not answer, or the broker is not in this process.
    pub async fn step(&mut self, now: Timestamp) -> anyhow::Result<usize> {
        let Broker::Memory(broker) = &self.broker else {
            bail!("only a system with the broker in this process can be run step by step");
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

    /// Resends the events of stuck orders and cancels orders that stay undecided too long, as of `now`. [`System::run_until_idle`] and [`System::step`] do
    /// not.
    ///
    /// # Errors
    /// If the store does not answer, or this process does not run `order-expiry`.
    pub async fn sweep(&self, now: Timestamp) -> anyhow::Result<Swept> {
        let sweeper = self.sweeper.as_ref().context("this process does not run order-expiry")?;
        Ok(sweeper.sweep(now).await?)
    }

    /// Starts every part.
    pub fn start(self) -> Running {
        Running::start(self)
    }
}

/// Reads the catalog into the cache. A failure is only logged: products are read when they are needed.
async fn warm_up(catalog: &Catalog) {
    if let Err(error) = catalog.warm_up_all().await {
        tracing::warn!(%error, "catalog cache cannot be warmed up");
    }
}

async fn open_stream_pollers(
    store: &Store,
    broker: &Broker,
    activities: &Activities,
    feed: &OrderFeed,
) -> anyhow::Result<Vec<StreamPoller>> {
    let (mut stream_pollers, outage) = (Vec::new(), Outage::default());
    for source in EVENT_SOURCES {
        let (publisher, tracker) = broker.publisher();
        let relay =
            Observed::new(functions::relay(store, feed.noting(publisher)), activities.of(OUTBOX_RELAY));
        let (runtime, table) = (RuntimeTable::new(store), store.table_name(source.table));
        let poller = StreamPoller::open(runtime, &table, relay, tracker);
        stream_pollers.push(poller.await?.sharing(&outage));
    }
    Ok(stream_pollers)
}
