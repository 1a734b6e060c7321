//! A stock that is looked at and corrected over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures::future::join_all;
use http_body_util::BodyExt;
use orderflow_domain::Sku;
use orderflow_inventory::{FirstStock, router};
use orderflow_store::StoreError;
use serde_json::Value;
use tower::ServiceExt;

use crate::support::Stock;

pub(crate) struct Desk {
    pub(crate) stock: Stock,
    router: Router,
}

/// What the catalog knows that inventory has not heard of yet.
struct Catalog(BTreeMap<Sku, i64>);

#[async_trait]
impl FirstStock for Catalog {
    async fn first_stock(&self, sku: &Sku) -> Result<Option<i64>, StoreError> {
        Ok(self.0.get(sku).copied())
    }
}

impl Desk {
    /// Stocks with these skus.
    pub(crate) async fn of(stocks: &[(&str, i64)]) -> Self {
        let stock = Stock::of(stocks).await;
        let router = router(&stock.store, Arc::new(Catalog(BTreeMap::new()))).into();
        Self { stock, router }
    }

    /// The same, where the catalog sells a product whose creation has not arrived.
    pub(crate) fn selling(self, sku: &str, first_stock: i64) -> Self {
        let catalog = Catalog(BTreeMap::from([(Sku::parse(sku).unwrap(), first_stock)]));
        let router = router(&self.stock.store, Arc::new(catalog)).into();
        Self { router, ..self }
    }

    pub(crate) async fn correct(&self, sku: &str, key: Option<&str>, correction: &Value) -> (u16, Value) {
        let request =
            Request::post(format!("/api/v1/inventory/{sku}")).header("content-type", "application/json");
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        self.call(request.body(Body::from(correction.to_string())).unwrap()).await
    }

    /// Corrects the level of A so many times at once: each on a task of its own, since the store of this process makes nobody wait.
    pub(crate) async fn correct_at_once(
        self: &Arc<Self>,
        times: usize,
        key: Option<&'static str>,
        correction: &Value,
    ) -> Vec<(u16, Value)> {
        let tasks = (0..times).map(|_| {
            let (desk, correction) = (self.clone(), correction.clone());
            tokio::spawn(async move { desk.correct("A", key, &correction).await })
        });
        join_all(tasks).await.into_iter().map(Result::unwrap).collect()
    }

    pub(crate) async fn read(&self, sku: &str) -> (u16, Value) {
        self.call(Request::get(format!("/api/v1/inventory/{sku}")).body(Body::empty()).unwrap()).await
    }

    async fn call(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}
