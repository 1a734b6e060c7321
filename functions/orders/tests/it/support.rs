//! An intake of its own.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use orderflow_catalog::{CATALOG, Catalog, CatalogSettings, CatalogWriter, NewProduct};
use orderflow_domain::{Currency, Money, Sku};
use orderflow_embedded::{Embedded, Location};
use orderflow_orders::{ORDERS, router};
use orderflow_store::{IndependentWrites, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) struct Intake {
    pub(crate) embedded: Embedded,
    router: Router,
}

impl Intake {
    /// An intake of a shop that sells A and B.
    pub(crate) async fn open() -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let store = Store::new(embedded.dynamodb(), "test", IndependentWrites::OneTransaction);
        store.create_missing_tables(&[&ORDERS, &CATALOG]).await.unwrap();
        let catalog = Catalog::new(&store, &CatalogSettings::default());
        for sku in ["A", "B"] {
            let price = Money { amount: 100, currency: Currency::parse("USD").unwrap() };
            let product = NewProduct { sku: Sku::parse(sku).unwrap(), name: sku.to_owned(), price, stock: 1 };
            CatalogWriter::new(&store, catalog.clone()).create_if_absent(product).await.unwrap();
        }
        Self { embedded, router: router(&store, catalog).into() }
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Places an order for one unit of each of these skus under a key.
    pub(crate) async fn place(&self, key: &str, skus: &[&str]) -> (u16, Value) {
        let items: Vec<Value> = skus.iter().map(|sku| json!({"sku": sku, "quantity": 1})).collect();
        let body = json!({"customer_id": "C1", "email": "c@example.com", "items": items});
        let request = Request::post("/api/v1/orders")
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body.to_string()));
        self.call(request.unwrap()).await
    }

    /// Places an order for one unit of each of these skus and gives its id.
    pub(crate) async fn order(&self, customer_id: &str, skus: &[&str]) -> String {
        let items: Vec<Value> = skus.iter().map(|sku| json!({"sku": sku, "quantity": 1})).collect();
        let body = json!({"customer_id": customer_id, "email": "c@example.com", "items": items});
        let request = Request::post("/api/v1/orders").header("content-type", "application/json");
        let (status, order) = self.call(request.body(Body::from(body.to_string())).unwrap()).await;
        assert_eq!(status, 202, "{order}");
        order["id"].as_str().unwrap().to_owned()
    }

    /// A page of the orders.
    pub(crate) async fn page(&self, query: &str) -> Value {
        let request = Request::get(format!("/api/v1/orders?{query}")).body(Body::empty()).unwrap();
        let (status, page) = self.call(request).await;
        assert_eq!(status, 200, "{page}");
        page
    }

    pub(crate) async fn cancel(&self, id: &str) -> (u16, Value) {
        self.call(Request::delete(format!("/api/v1/orders/{id}")).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn orders(&self) -> Vec<Value> {
        let (_, list) = self.call(Request::get("/api/v1/orders").body(Body::empty()).unwrap()).await;
        list["orders"].as_array().cloned().unwrap_or_default()
    }
}
