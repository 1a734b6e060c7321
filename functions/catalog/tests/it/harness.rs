//! The catalog under test: its reader, its writer and its routes over one store in memory.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use orderflow_catalog::{
    CATALOG, Catalog, CatalogSettings, CatalogWriter, EVENT_SOURCE, NewProduct, router, warmup_router,
};
use orderflow_domain::{ChargeRules, Event};
use orderflow_testing::samples::{PRODUCT_NAME, UNIT_PRICE, sku, usd};
use orderflow_testing::service::{RouterClient, ServiceHarness};
use serde_json::{Value, json};

/// Longer than any test runs.
const CACHE_TTL: Duration = Duration::from_secs(3_600);

#[derive(Clone)]
pub(crate) struct CatalogHarness {
    pub(crate) service: ServiceHarness,
    pub(crate) catalog: Catalog,
    pub(crate) client: RouterClient,
}

impl CatalogHarness {
    pub(crate) async fn open() -> Self {
        Self::over(ServiceHarness::open(&[&CATALOG]).await, CACHE_TTL)
    }

    /// Opens a catalog whose payment provider has these rules.
    pub(crate) async fn with_charge_rules(charge_rules: ChargeRules) -> Self {
        Self::charged_by(ServiceHarness::open(&[&CATALOG]).await, CACHE_TTL, charge_rules)
    }

    /// Opens the same catalog as another process would, with a cache of its own.
    pub(crate) fn another_process(&self, cache_ttl: Duration) -> Self {
        Self::over(self.service.clone(), cache_ttl)
    }

    fn over(service: ServiceHarness, cache_ttl: Duration) -> Self {
        Self::charged_by(service, cache_ttl, ChargeRules::default())
    }

    fn charged_by(service: ServiceHarness, cache_ttl: Duration, charge_rules: ChargeRules) -> Self {
        let catalog = Catalog::new(&service.store, &CatalogSettings { cache_ttl });
        let router = router(&service.store, catalog.clone(), usd(0).currency, charge_rules);
        let client = RouterClient::new(router.merge(warmup_router(catalog.clone())));
        Self { service, catalog, client }
    }

    pub(crate) fn writer(&self) -> CatalogWriter {
        CatalogWriter::new(&self.service.store, self.catalog.clone())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (u16, Value) {
        self.client.send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.client.get(&format!("/api/v1{path}")).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.client.post(&format!("/api/v1{path}"), body).await
    }

    /// Creates a product with a first stock of 3. Returns the status of the answer.
    pub(crate) async fn create(&self, sku: &str, amount: i64) -> u16 {
        let price = json!({"amount": amount, "currency": "usd"});
        let body = json!({"sku": sku, "name": PRODUCT_NAME, "price": price, "stock": 3});
        self.post("/products", &body).await.0
    }

    pub(crate) async fn patch(&self, sku: &str, patch: &Value) -> (u16, Value) {
        self.client.patch(&format!("/api/v1/products/{sku}"), patch).await
    }

    pub(crate) async fn remove(&self, sku: &str) -> u16 {
        self.client.delete(&format!("/api/v1/products/{sku}")).await.0
    }

    /// Returns the skus of the first page of products.
    pub(crate) async fn listed(&self) -> Vec<String> {
        let (_, page) = self.get("/products?limit=100").await;
        let products = page["products"].as_array().unwrap();
        products.iter().map(|product| product["sku"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns the price at which this sku would be ordered, or `None` when it is not for sale.
    pub(crate) async fn price(&self, text: &str) -> Option<i64> {
        let found = self.catalog.find(&[sku(text)]).await.unwrap();
        found.first().map(|product| product.price.amount)
    }

    /// Returns the event that the last write of a product emitted.
    pub(crate) async fn event(&self, sku: &str) -> Event {
        self.service.last_event(&EVENT_SOURCE, sku).await
    }
}

/// Returns a product with a first stock of 3.
pub(crate) fn new_product(text: &str) -> NewProduct {
    NewProduct { sku: sku(text), name: PRODUCT_NAME.to_owned(), price: usd(UNIT_PRICE), stock: 3 }
}
