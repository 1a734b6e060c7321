//! Inventory under test: its consumer and its routes over one store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::Request;
use orderflow_domain::{Event, EventData, OrderId, Sku, Timestamp};
use orderflow_embedded::Fault;
use orderflow_inventory::{FirstStock, INVENTORY, InventoryConsumer, InventorySettings, router};
use orderflow_messaging::Outcome;
use orderflow_store::StoreError;
use orderflow_testing::samples::{order_ended, order_placed, product_created};
use orderflow_testing::service::{self, RouterClient, ServiceHarness, at_once, with_json};
use serde::Deserialize;
use serde_json::Value;

/// The attributes of a reservation that the tests look at.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) outbox: String,
    pub(crate) version: u32,
}

#[derive(Debug, Deserialize)]
struct Level {
    available: i64,
    reserved: i64,
}

pub(crate) struct InventoryHarness {
    pub(crate) service: ServiceHarness,
    pub(crate) consumer: InventoryConsumer,
    pub(crate) client: RouterClient,
}

/// Products that the catalog sells and whose `product.created` has not arrived at inventory.
struct Catalog(BTreeMap<Sku, i64>);

#[async_trait]
impl FirstStock for Catalog {
    async fn first_stock(&self, sku: &Sku) -> Result<Option<i64>, StoreError> {
        Ok(self.0.get(sku).copied())
    }
}

impl InventoryHarness {
    /// Opens an inventory with this many units of each of these skus.
    pub(crate) async fn with_stock(stocks: &[(&str, i64)]) -> Self {
        let service = ServiceHarness::open(&[&INVENTORY]).await;
        let consumer = InventoryConsumer::new(&service.store, InventorySettings::default());
        let client = client(&service, BTreeMap::new());
        let harness = Self { service, consumer, client };
        let created: Vec<Event> = stocks.iter().map(|(sku, units)| product_created(sku, *units)).collect();
        harness.deliver_all(&created).await;
        harness
    }

    /// Has the catalog sell a product whose `product.created` has not arrived.
    pub(crate) fn with_catalog_product(self, sku: &str, first_stock: i64) -> Self {
        let products = BTreeMap::from([(Sku::parse(sku).unwrap(), first_stock)]);
        Self { client: client(&self.service, products), ..self }
    }

    pub(crate) async fn deliver(&self, events: &[Event]) -> Vec<Outcome> {
        service::deliver(&self.consumer, events).await
    }

    pub(crate) async fn deliver_all(&self, events: &[Event]) {
        service::deliver_all(&self.consumer, events).await;
    }

    pub(crate) async fn deliver_until_done(&self, events: Vec<Event>) {
        service::deliver_until_done(&self.consumer, events).await;
    }

    pub(crate) async fn reservation(&self, order: OrderId) -> Option<Reservation> {
        self.service.item(&INVENTORY, &format!("order#{order}")).await
    }

    pub(crate) async fn status(&self, order: OrderId) -> Option<String> {
        self.reservation(order).await.map(|reservation| reservation.status)
    }

    /// Returns the units available and reserved, or `None` for an unknown sku.
    pub(crate) async fn level(&self, sku: &str) -> Option<(i64, i64)> {
        let level: Option<Level> = self.service.item(&INVENTORY, &format!("stock#{sku}")).await;
        level.map(|level| (level.available, level.reserved))
    }

    /// Injects `fault` into every transaction, decided by the request's body.
    pub(crate) fn fail_transactions(&self, fault: impl FnMut(&Value) -> Option<Fault> + Send + 'static) {
        self.service.fail("TransactWriteItems", fault);
    }

    /// Reads the level of a sku over HTTP.
    pub(crate) async fn read(&self, sku: &str) -> (u16, Value) {
        self.client.get(&format!("/api/v1/inventory/{sku}")).await
    }

    /// Corrects the level of a sku over HTTP.
    pub(crate) async fn correct(&self, sku: &str, key: Option<&str>, correction: &Value) -> (u16, Value) {
        let request = Request::post(format!("/api/v1/inventory/{sku}"));
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        self.client.send(with_json(request, correction)).await
    }

    /// Sends the same correction of A this many times at once.
    pub(crate) async fn correct_at_once(
        self: &Arc<Self>,
        times: usize,
        key: Option<&'static str>,
        correction: &Value,
    ) -> Vec<(u16, Value)> {
        let correct = |_| {
            let (harness, correction) = (self.clone(), correction.clone());
            async move { harness.correct("A", key, &correction).await }
        };
        at_once(0..times, correct).await
    }
}

fn client(service: &ServiceHarness, products: BTreeMap<Sku, i64>) -> RouterClient {
    RouterClient::new(router(&service.store, Arc::new(Catalog(products))))
}

/// Returns the actions of a transaction, each as JSON.
pub(crate) fn actions(body: &Value) -> Vec<String> {
    let actions = body["TransactItems"].as_array().cloned().unwrap_or_default();
    actions.iter().map(ToString::to_string).collect()
}

/// Returns `order.placed` of this moment.
pub(crate) fn placed(order: OrderId, items: &[(&str, i64)]) -> Event {
    order_placed(order, items, Timestamp::now())
}

/// Returns `order.placed` of an order that is this old.
pub(crate) fn placed_ago(order: OrderId, items: &[(&str, i64)], age: Duration) -> Event {
    let age = i64::try_from(age.as_millis()).unwrap();
    order_placed(order, items, Timestamp::from_millis(Timestamp::now().as_millis() - age))
}

/// Returns `order.cancelled`.
pub(crate) fn cancelled(order: OrderId) -> Event {
    let data = EventData::OrderCancelled(order_ended(order, &[("A", 1)]));
    Event::new(data, "", Timestamp::now(), None)
}
