//! A client of the system under test.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::{Answer, Mode, ModeSettings};

/// A system and the requests of tests.
pub struct TestApp<M> {
    /// The system.
    pub mode: M,
}

/// Returns the body of an order with one item.
pub fn order_body(sku: &str, quantity: i64) -> Value {
    json!({"customer_id": "C100", "email": "c100@example.com", "items": [{"sku": sku, "quantity": quantity}]})
}

impl<M: Mode> TestApp<M> {
    /// Starts a system with the demo products.
    pub async fn open() -> Self {
        Self::open_with(ModeSettings::default()).await
    }

    /// Starts a system with these settings and the demo products.
    pub async fn open_with(settings: ModeSettings) -> Self {
        Self { mode: M::start(settings).await }
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Body::empty()).await
    }

    /// Sends a DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], Body::empty()).await
    }

    /// Sends a PATCH with JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        let body = Body::from(body.to_string());
        self.send("PATCH", path, &[("content-type", "application/json")], body).await
    }

    /// Sends a POST with JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body).await
    }

    /// Sends a POST with JSON and headers.
    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send("POST", path, &headers, Body::from(body.to_string())).await
    }

    /// Sends a PUT with JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &[("content-type", "application/json")], Body::from(body.to_string())).await
    }

    /// Sends a request.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.mode.call(request.body(body).expect("the request is valid")).await
    }

    /// Places an order and returns its id.
    pub async fn place(&self, body: &Value) -> String {
        let answer = self.post("/api/v1/orders", body).await.expect(202);
        answer.body["id"].as_str().expect("an order has an id").to_owned()
    }

    /// Waits until the system is idle, see [`Mode::wait_until_idle`].
    pub async fn wait_until_idle(&mut self) {
        self.mode.wait_until_idle().await;
    }

    /// Reads an order.
    pub async fn order(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/orders/{id}")).await.expect(200).body
    }

    /// Reads the available and reserved units of a SKU.
    pub async fn level(&self, sku: &str) -> (i64, i64) {
        let level = self.get(&format!("/api/v1/inventory/{sku}")).await.expect(200).body;
        (level["available"].as_i64().unwrap_or(-1), level["reserved"].as_i64().unwrap_or(-1))
    }

    /// Reads the status of an order's payment, if it has one.
    pub async fn payment(&self, id: &str) -> Option<String> {
        let body = self.get(&format!("/api/v1/payments?order_id={id}")).await.expect(200).body;
        body["payments"][0]["status"].as_str().map(str::to_owned)
    }

    /// Reads the template and channel of each message about an order, sorted.
    pub async fn notifications(&self, id: &str) -> Vec<String> {
        let body = self.get(&format!("/api/v1/notifications?order_id={id}")).await.expect(200).body;
        let sent = body["notifications"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut names: Vec<_> =
            sent.iter().map(|n| format!("{} {}", text(&n["template"]), text(&n["channel"]))).collect();
        names.sort();
        names
    }

    /// Creates a product.
    pub async fn sell(&self, sku: &str, stock: i64) {
        let body =
            json!({"sku": sku, "name": sku, "price": {"amount": 500, "currency": "USD"}, "stock": stock});
        self.post("/api/v1/products", &body).await.expect(201);
    }
}
