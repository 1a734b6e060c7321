//! A shop in several processes: a broker, a store, the HTTP parts, the relay, and each consumer.

use orderflow_testing::program::{self, Launch, PATIENCE, Program};
use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const CONSUMERS: [&str; 5] =
    ["order-tracker", "inventory-reserve", "payment", "notification", "analytics"];

/// A running shop.
pub(crate) struct Shop {
    pub broker: RabbitMq,
    pub store: Program,
    /// Serves HTTP: order intake and the rest of the API.
    pub front: Program,
    pub relay: Program,
    pub consumers: Vec<Program>,
    client: reqwest::Client,
    _data: TempDir,
}

impl Shop {
    /// Starts every process, and adds a product with this stock.
    pub(crate) async fn open(sku: &str, stock: i64) -> Self {
        let (mut broker, data) = (RabbitMq::start().await.unwrap(), tempfile::tempdir().unwrap());
        let store = store(data.path());
        let start = |only: &str| part(only, store.url(), &broker.uri());
        let (front, relay) = (start("order-intake,shop-api"), start("outbox-relay"));
        let consumers: Vec<Program> = CONSUMERS.iter().map(|consumer| start(consumer)).collect();
        for consumer in CONSUMERS {
            for queue in queues_of(consumer) {
                broker.queue_is_on_disk(&queue).await.unwrap();
            }
        }
        let client = reqwest::Client::new();
        let shop = Self { broker, store, front, relay, consumers, client, _data: data };
        shop.add_product(sku, stock).await;
        shop
    }

    async fn add_product(&self, sku: &str, stock: i64) {
        let body =
            json!({"sku": sku, "name": sku, "price": {"amount": 500, "currency": "USD"}, "stock": stock});
        let answer =
            self.client.post(format!("{}/api/v1/products", self.front.url())).json(&body).send().await;
        assert_eq!(answer.unwrap().status(), 201);
        self.wait_until("the initial stock is booked", async || {
            self.try_get(&format!("/api/v1/inventory/{sku}")).await.is_some()
        })
        .await;
    }

    /// Places an order and returns its id; `None` if it was not accepted.
    pub(crate) async fn place(&self, body: &Value) -> Option<String> {
        let request = self.client.post(format!("{}/api/v1/orders", self.front.url())).json(body);
        let response = request.timeout(PATIENCE).send().await.ok().filter(|r| r.status() == 202)?;
        let order: Value = response.json().await.ok()?;
        order["id"].as_str().map(str::to_owned)
    }

    pub(crate) async fn try_get(&self, path: &str) -> Option<Value> {
        get(&self.client, self.front.url(), path).await
    }

    /// Returns the text that a part answers to a GET.
    pub(crate) async fn text_of(&self, part: &Program, path: &str) -> String {
        let response = self.client.get(format!("{}{path}", part.url())).send().await.unwrap();
        response.text().await.unwrap()
    }

    /// Injects a fault into the payment provider of a part.
    pub(crate) async fn break_payment(&self, part: &Program, fault: &str) {
        let url = format!("{}/api/v1/admin/faults", part.url());
        let answer = self.client.put(url).json(&json!({"payment": fault})).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    pub(crate) fn consumer(&self, name: &str) -> &Program {
        let position = CONSUMERS.iter().position(|consumer| *consumer == name).unwrap();
        &self.consumers[position]
    }

    /// Returns the number of dead letters of all consumers.
    pub(crate) async fn dead_letters(&self) -> u64 {
        let status = self.try_get("/api/v1/admin/queues").await.unwrap();
        status["queues"].as_array().unwrap().iter().map(|queue| queue["dead"].as_u64().unwrap()).sum()
    }

    /// Waits until a condition holds.
    pub(crate) async fn wait_until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        program::wait_until(what, holds).await;
    }
}

/// Starts a process with some parts of the system.
pub(crate) fn part(only: &str, store: &str, broker: &str) -> Program {
    let endpoints = ["--dynamodb-endpoint", store, "--broker", broker];
    start_program(&[&["up", "--port", "0", "--only", only], &endpoints[..]].concat())
}

/// Starts a process with the whole system, which sends its mail to a server.
pub(crate) fn complete(store: &str, broker: &str, smtp: &str) -> Program {
    let endpoints = ["--dynamodb-endpoint", store, "--broker", broker];
    let arguments = [&["up", "--port", "0"], &endpoints[..]].concat();
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).env("SMTP_URL", smtp).start()
}

/// Starts the store.
pub(crate) fn store(data: &std::path::Path) -> Program {
    start_program(&["store", "--port", "0", "--data-dir", data.to_str().unwrap()])
}

/// Starts the program.
fn start_program(arguments: &[&str]) -> Program {
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).start()
}

async fn get(client: &reqwest::Client, url: &str, path: &str) -> Option<Value> {
    let response = client.get(format!("{url}{path}")).timeout(PATIENCE).send().await.ok()?;
    if response.status() == 200 { response.json().await.ok() } else { None }
}

/// Returns the names of every queue of a consumer.
fn queues_of(consumer: &str) -> Vec<String> {
    let delays = ["delay.250ms", "delay.1000ms", "delay.5000ms", "delay.30000ms", "delay.120000ms"];
    let suffixes = ["", ".dlq"].into_iter().map(str::to_owned).chain(delays.map(|delay| format!(".{delay}")));
    suffixes.map(|suffix| format!("orderflow.{consumer}{suffix}")).collect()
}
