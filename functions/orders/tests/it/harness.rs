//! `order-intake` under test: its routes over a store in memory, in a shop that sells A and B.

use axum::http::Request;
use orderflow_catalog::{CATALOG, Catalog, CatalogSettings, CatalogWriter, NewProduct};
use orderflow_domain::ChargeRules;
use orderflow_orders::{ORDERS, router};
use orderflow_testing::samples::{UNIT_PRICE, sku, usd};
use orderflow_testing::service::{RouterClient, ServiceHarness, with_json};
use serde_json::{Value, json};

pub(crate) struct IntakeHarness {
    pub(crate) service: ServiceHarness,
    pub(crate) client: RouterClient,
}

impl IntakeHarness {
    pub(crate) async fn open() -> Self {
        Self::with_charge_rules(ChargeRules::default()).await
    }

    /// Opens a shop whose payment provider has these rules.
    pub(crate) async fn with_charge_rules(charge_rules: ChargeRules) -> Self {
        let service = ServiceHarness::open(&[&ORDERS, &CATALOG]).await;
        let catalog = Catalog::new(&service.store, &CatalogSettings::default());
        let writer = CatalogWriter::new(&service.store, catalog.clone());
        for text in ["A", "B"] {
            let (name, price) = (text.to_owned(), usd(UNIT_PRICE));
            writer.create_if_absent(NewProduct { sku: sku(text), name, price, stock: 1 }).await.unwrap();
        }
        let client = RouterClient::new(router(&service.store, catalog, charge_rules));
        Self { service, client }
    }

    /// Places an order for one unit of each of these skus under an idempotency key.
    pub(crate) async fn place(&self, key: &str, skus: &[&str]) -> (u16, Value) {
        let request = Request::post("/api/v1/orders").header("idempotency-key", key);
        self.client.send(with_json(request, &body("C1", skus))).await
    }

    /// Places an order for one unit of each of these skus. Returns its id.
    pub(crate) async fn order(&self, customer_id: &str, skus: &[&str]) -> String {
        let (status, order) = self.client.post("/api/v1/orders", &body(customer_id, skus)).await;
        assert_eq!(status, 202, "{order}");
        order["id"].as_str().unwrap().to_owned()
    }

    /// Reads one page of the listing of orders.
    pub(crate) async fn page(&self, query: &str) -> Value {
        let (status, page) = self.client.get(&format!("/api/v1/orders?{query}")).await;
        assert_eq!(status, 200, "{page}");
        page
    }

    pub(crate) async fn cancel(&self, id: &str) -> (u16, Value) {
        self.client.delete(&format!("/api/v1/orders/{id}")).await
    }

    /// Reads the first page of all orders.
    pub(crate) async fn orders(&self) -> Vec<Value> {
        self.page("").await["orders"].as_array().cloned().unwrap_or_default()
    }
}

fn body(customer_id: &str, skus: &[&str]) -> Value {
    let items: Vec<Value> = skus.iter().map(|sku| json!({"sku": sku, "quantity": 1})).collect();
    json!({"customer_id": customer_id, "email": "c@example.com", "items": items})
}
