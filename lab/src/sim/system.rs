//! The system under simulation: its routes, its consumers, its relays and its sweep of open orders, each over the store as its process sees it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use orderflow_analytics::AnalyticsConsumer;
use orderflow_catalog::{Catalog, CatalogSettings};
use orderflow_domain::{ChargeRules, Currency};
use orderflow_inventory::{InventoryConsumer, InventorySettings};
use orderflow_messaging::{Consumer, InvokeError, QueueFunction, RetryPolicy};
use orderflow_notifications::{NotificationConsumer, Providers, Templates};
use orderflow_orders::OrderTracker;
use orderflow_payments::{GuardedGateway, PaymentConsumer};
use orderflow_store::{DEFAULT_PREFIX, Store};
use tokio::sync::watch;

use super::admin::SimulatedAdmin;
use super::broker::Broker;
use super::client::Client;
use super::fault::Place;
use super::mail::SimulatedMail;
use super::provider::SimulatedProvider;
use super::store::SimulatedStore;
use super::world::World;

/// The longest life of a product in the cache of the catalog: longer than a simulation takes.
const CACHE_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The time that a function has for a batch, as on Lambda.
const TIME_LIMIT: Duration = Duration::from_secs(30);

type Answer = Pin<Box<dyn Future<Output = Result<Vec<u8>, InvokeError>> + Send>>;

/// The function of a consumer, in one process.
pub(super) type Function = Box<dyn Fn(Vec<u8>) -> Answer + Send + Sync>;

/// What the processes of the system work with. Clones share it.
#[derive(Clone)]
pub(super) struct System {
    pub(super) world: World,
    pub(super) broker: Broker,
    pub(super) client: Client,
    /// How long relays wait for more writes, so that they publish several events at once.
    pub(super) batching: Duration,
    /// Whether the relays are stopped.
    pub(super) relays_stopped: watch::Sender<bool>,
    /// The number of the last write to each table whose events are all published, and whose cursor is saved.
    pub(super) relayed: Arc<Mutex<BTreeMap<String, u64>>>,
    store: SimulatedStore,
    provider: SimulatedProvider,
    templates: Arc<Templates>,
}

impl System {
    /// Makes the system over this store.
    pub(super) fn new(
        world: &World,
        store: SimulatedStore,
        templates: Arc<Templates>,
        batching: Duration,
    ) -> Self {
        let broker = Broker::new(world.clone());
        let provider = SimulatedProvider::new(world.clone());
        let client = client(world, &store, &broker, &provider, &templates);
        Self {
            world: world.clone(),
            broker,
            client,
            batching,
            relays_stopped: watch::Sender::new(false),
            relayed: Arc::default(),
            store,
            provider,
            templates,
        }
    }

    /// Returns the store as a process at a place sees it.
    pub(super) fn store_at(&self, place: Place) -> Store {
        store_at(&self.store, place)
    }

    /// Starts a process of a consumer, with nothing in its memory.
    pub(super) fn function(&self, consumer: &'static str) -> Function {
        let place = Place::Consumer(consumer);
        let store = self.store_at(place);
        match consumer {
            "order-tracker" => function(OrderTracker::new(&store)),
            "inventory-reserve" => function(InventoryConsumer::new(&store, InventorySettings::default())),
            "payment" => {
                let gateway = GuardedGateway::new(self.provider.at(place));
                function(PaymentConsumer::new(&store, Arc::new(gateway)))
            }
            "notification" => {
                let mail = SimulatedMail::new(self.world.clone(), place);
                let providers = Providers::default().with_mail(mail.clone()).with_sms(mail);
                function(NotificationConsumer::new(&store, Arc::new(providers), Arc::clone(&self.templates)))
            }
            _ => function(AnalyticsConsumer::new(&store)),
        }
    }

    /// Records that all events of a table's writes up to this one are published.
    pub(super) fn relayed_up_to(&self, table: &str, writes: u64) {
        // No code panics while it holds the lock.
        let mut relayed = self.relayed.lock().unwrap_or_else(PoisonError::into_inner);
        relayed.insert(table.to_owned(), writes);
    }

    /// Returns whether the events of all writes to a table are published.
    pub(super) fn is_relayed(&self, table: &str) -> bool {
        let relayed = self.relayed.lock().unwrap_or_else(PoisonError::into_inner);
        let writes =
            self.store_at(Place::System).backend().changes(table).map_or(0, |writes| *writes.borrow());
        writes == 0 || relayed.get(table) == Some(&writes)
    }
}

fn store_at(store: &SimulatedStore, place: Place) -> Store {
    Store::new(Arc::new(store.at(place)), DEFAULT_PREFIX)
}

fn function<C: Consumer>(consumer: C) -> Function {
    let function = Arc::new(QueueFunction::new(consumer, RetryPolicy::default()));
    Box::new(move |payload: Vec<u8>| -> Answer {
        let function = Arc::clone(&function);
        Box::pin(async move { function.invoke(&payload, Some(TIME_LIMIT)).await })
    })
}

/// Makes the routes of order intake and of the shop, and their client.
fn client(
    world: &World,
    store: &SimulatedStore,
    broker: &Broker,
    provider: &SimulatedProvider,
    templates: &Arc<Templates>,
) -> Client {
    let (intake, shop) = (store_at(store, Place::Intake), store_at(store, Place::Shop));
    let catalog = Catalog::new(&intake, &CatalogSettings { cache_ttl: CACHE_TTL });
    let currency = Currency::parse("USD").expect("it is three letters");
    let rules = ChargeRules::default();
    let gateway = Arc::new(GuardedGateway::new(provider.at(Place::Shop)));
    let admin = Arc::new(SimulatedAdmin::new(broker.clone()));
    let routes: Router = orderflow_orders::router(&intake, catalog.clone(), rules).into();
    let shop_routes =
        orderflow_shop_api::router(&shop, catalog, currency, rules, gateway, Arc::clone(templates))
            .merge(orderflow_shop_api::admin_router(admin.clone()))
            .merge(orderflow_shop_api::customers_router(&shop, admin));
    Client::new(world.clone(), routes, shop_routes.into())
}
