//! A shop of its own.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures::future::join_all;
use http_body_util::BodyExt;
use orderflow_catalog::{
    CATALOG, Catalog, CatalogSettings, CatalogWriter, EVENT_SOURCE, NewProduct, router, warmup_router,
};
use orderflow_domain::{Currency, Event, Money, Sku};
use orderflow_embedded::{Embedded, Location, RequestCounts};
use orderflow_store::{IndependentWrites, OUTBOX, Outbox, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Longer than any test.
const AGES: Duration = Duration::from_secs(3_600);

#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) embedded: Embedded,
    pub(crate) store: Store,
    pub(crate) catalog: Catalog,
    router: Router,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let store = Store::new(embedded.dynamodb(), "test", IndependentWrites::OneTransaction);
        store.create_missing_tables(&[&CATALOG]).await.unwrap();
        Self::over(embedded, store, AGES)
    }

    /// The same shop as another process sees it, which remembers products for so long.
    pub(crate) fn elsewhere(&self, cache_ttl: Duration) -> Self {
        Self::over(self.embedded.clone(), self.store.clone(), cache_ttl)
    }

    fn over(embedded: Embedded, store: Store, cache_ttl: Duration) -> Self {
        let catalog = Catalog::new(&store, &CatalogSettings { cache_ttl });
        let router = router(&store, catalog.clone(), usd()).merge(warmup_router(catalog.clone())).into();
        Self { embedded, store, catalog, router }
    }

    pub(crate) fn writer(&self) -> CatalogWriter {
        CatalogWriter::new(&self.store, self.catalog.clone())
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request = request.header("content-type", "application/json");
        self.call(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Request::get(format!("/api/v1{path}")).body(Body::empty()).unwrap()).await
    }

    /// What `work` gives for each of these, all at once: each on a task of its own, since the store of this process makes nobody wait.
    pub(crate) async fn at_once<T, F>(
        &self,
        inputs: impl IntoIterator<Item = T>,
        work: fn(Self, T) -> F,
    ) -> Vec<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let tasks = inputs.into_iter().map(|input| tokio::spawn(work(self.clone(), input)));
        join_all(tasks).await.into_iter().map(Result::unwrap).collect()
    }

    pub(crate) async fn create(&self, sku: &str, amount: i64) -> u16 {
        let price = json!({"amount": amount, "currency": "usd"});
        let body = json!({"sku": sku, "name": "A thing", "price": price, "stock": 3});
        self.send("POST", "/products", &body).await.0
    }

    pub(crate) async fn patch(&self, sku: &str, patch: &Value) -> (u16, Value) {
        self.send("PATCH", &format!("/products/{sku}"), patch).await
    }

    pub(crate) async fn remove(&self, sku: &str) -> u16 {
        self.call(Request::delete(format!("/api/v1/products/{sku}")).body(Body::empty()).unwrap()).await.0
    }

    /// The skus that a listing of everything shows.
    pub(crate) async fn listed(&self) -> Vec<String> {
        let (_, page) = self.get("/products?limit=100").await;
        let products = page["products"].as_array().unwrap();
        products.iter().map(|product| product["sku"].as_str().unwrap().to_owned()).collect()
    }

    /// The price that an order for this sku would be made with; none where it is not sold.
    pub(crate) async fn price(&self, text: &str) -> Option<i64> {
        let found = self.catalog.find(&[sku(text)]).await.unwrap();
        found.first().map(|product| product.price.amount)
    }

    /// The item of a product.
    pub(crate) async fn image(&self, sku: &str) -> serde_dynamo::Item {
        let table = self.store.table(&CATALOG);
        let image: Value = table.get(table.key(sku)).await.unwrap().unwrap();
        serde_dynamo::to_item(image).unwrap()
    }

    /// The event that the last write of a product caused.
    pub(crate) async fn event(&self, sku: &str) -> Event {
        let image = self.image(sku).await;
        let outbox: String = serde_dynamo::from_attribute_value(image.inner()[OUTBOX].clone()).unwrap();
        let outbox: Outbox = outbox.parse().unwrap();
        (EVENT_SOURCE.build)(image, &outbox.emissions()[0]).unwrap()
    }

    /// What `work` asks of the store.
    pub(crate) async fn requests_of(&self, work: impl Future<Output = ()>) -> RequestCounts {
        let before = self.embedded.requests();
        work.await;
        self.embedded.requests().since(&before)
    }
}

pub(crate) fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

pub(crate) fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

pub(crate) fn new_product(text: &str) -> NewProduct {
    let price = Money { amount: 100, currency: usd() };
    NewProduct { sku: sku(text), name: "A thing".to_owned(), price, stock: 3 }
}
