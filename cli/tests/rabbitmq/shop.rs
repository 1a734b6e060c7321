//! A shop in many processes: a broker, a store, the parts that take orders, and each consumer for itself.

use std::time::{Duration, Instant};

use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::part::{PATIENCE, Part};

pub(crate) const CONSUMERS: [&str; 5] =
    ["order-tracker", "inventory-reserve", "payment", "notification", "analytics"];

/// The shop at work.
pub(crate) struct Shop {
    pub broker: RabbitMq,
    pub store: Part,
    /// Takes orders and answers everything else over HTTP.
    pub front: Part,
    pub relay: Part,
    pub consumers: Vec<Part>,
    client: reqwest::Client,
    _data: TempDir,
}

impl Shop {
    /// Starts every process, and sells a product with this stock.
    pub(crate) async fn open(sku: &str, stock: i64) -> Self {
        let (mut broker, data) = (RabbitMq::start().await.unwrap(), tempfile::tempdir().unwrap());
        let store = Part::start(&["store", "--port", "0", "--data-dir", data.path().to_str().unwrap()]);
        let start = |only: &str| part(only, store.url(), &broker.uri());
        let (front, relay) = (start("order-intake,shop-api"), start("outbox-relay"));
        let consumers: Vec<Part> = CONSUMERS.iter().map(|consumer| start(consumer)).collect();
        for consumer in CONSUMERS {
            for queue in queues_of(consumer) {
                broker.queue_is_on_disk(&queue).await.unwrap();
            }
        }
        let client = reqwest::Client::new();
        let shop = Self { broker, store, front, relay, consumers, client, _data: data };
        shop.sell(sku, stock).await;
        shop
    }

    async fn sell(&self, sku: &str, stock: i64) {
        let body =
            json!({"sku": sku, "name": sku, "price": {"amount": 500, "currency": "USD"}, "stock": stock});
        let answer =
            self.client.post(format!("{}/api/v1/products", self.front.url())).json(&body).send().await;
        assert_eq!(answer.unwrap().status(), 201);
        self.wait_until("the first stock is booked", async || {
            self.try_get(&format!("/api/v1/inventory/{sku}")).await.is_some()
        })
        .await;
    }

    /// Sends an order; none where it was not accepted.
    pub(crate) async fn place(&self, body: &Value) -> Option<String> {
        let request = self.client.post(format!("{}/api/v1/orders", self.front.url())).json(body);
        let response = request.timeout(PATIENCE).send().await.ok().filter(|r| r.status() == 202)?;
        let order: Value = response.json().await.ok()?;
        order["id"].as_str().map(str::to_owned)
    }

    pub(crate) async fn try_get(&self, path: &str) -> Option<Value> {
        get(&self.client, self.front.url(), path).await
    }

    /// What a part answers, be it a text.
    pub(crate) async fn text_of(&self, part: &Part, path: &str) -> String {
        let response = self.client.get(format!("{}{path}", part.url())).send().await.unwrap();
        response.text().await.unwrap()
    }

    /// Sets what is broken in a part.
    pub(crate) async fn break_payment(&self, part: &Part, fault: &str) {
        let url = format!("{}/api/v1/admin/faults", part.url());
        let answer = self.client.put(url).json(&json!({"payment": fault})).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    pub(crate) fn consumer(&self, name: &str) -> &Part {
        let position = CONSUMERS.iter().position(|consumer| *consumer == name).unwrap();
        &self.consumers[position]
    }

    /// Dead letters over all consumers.
    pub(crate) async fn dead_letters(&self) -> u64 {
        let status = self.try_get("/api/v1/admin/queues").await.unwrap();
        status["queues"].as_array().unwrap().iter().map(|queue| queue["dead"].as_u64().unwrap()).sum()
    }

    /// Waits until something holds.
    pub(crate) async fn wait_until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        wait_for(what, PATIENCE, holds).await;
    }
}

/// A part that runs some of the system.
pub(crate) fn part(only: &str, store: &str, broker: &str) -> Part {
    let endpoints = ["--dynamodb-endpoint", store, "--broker", broker];
    Part::start(&[&["up", "--port", "0", "--only", only], &endpoints[..]].concat())
}

/// Waits until something holds, for so long.
pub(crate) async fn wait_for(what: &str, patience: Duration, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + patience;
    while !holds().await {
        assert!(Instant::now() < deadline, "it never came true: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn get(client: &reqwest::Client, url: &str, path: &str) -> Option<Value> {
    let response = client.get(format!("{url}{path}")).timeout(PATIENCE).send().await.ok()?;
    if response.status() == 200 { response.json().await.ok() } else { None }
}

/// Every queue of a consumer.
fn queues_of(consumer: &str) -> Vec<String> {
    let delays = ["delay.250ms", "delay.1000ms", "delay.5000ms", "delay.30000ms", "delay.120000ms"];
    let suffixes = ["", ".dlq"].into_iter().map(str::to_owned).chain(delays.map(|delay| format!(".{delay}")));
    suffixes.map(|suffix| format!("orderflow.{consumer}{suffix}")).collect()
}
