//! One order, processed by all bundles.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_orders::ORDERS;
use orderflow_testing::rie::RuntimeEmulator;
use serde_json::{Value, json};

use crate::api::Api;
use crate::facts::{order_body, product_body};
use crate::queues::failed_ids;
use crate::streams::Streams;
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_confirmed_over_all_bundles() {
    let world = World::open().await;
    let shop = Api(world.start("shop-api").await);
    let intake = Api(world.start("order-intake").await);
    let mut platform = Platform::start(&world).await;

    shop.post("/api/v1/products", &product_body("MUG", 5)).await.expect(201);
    let order = intake.post("/api/v1/orders", &order_body("MUG", 2)).await.expect(202);
    let id = order["id"].as_str().unwrap();

    let started = Instant::now();
    while notifications(&shop, id).await.is_empty() || is_open(&world, id).await {
        assert!(started.elapsed() < PATIENCE, "{:?}", intake.get(&format!("/api/v1/orders/{id}")).await);
        platform.step(&world).await;
    }

    let order = intake.get(&format!("/api/v1/orders/{id}")).await.expect(200);
    assert_eq!(order["status"], "confirmed");
    assert_eq!(order["total"], json!({"amount": 1_000, "currency": "USD"}));
    let level = shop.get("/api/v1/inventory/MUG").await.expect(200);
    assert_eq!(level, json!({"sku": "MUG", "available": 3, "reserved": 2}));
    let payments = shop.get(&format!("/api/v1/payments?order_id={id}")).await.expect(200);
    assert_eq!(payments["payments"].as_array().unwrap().len(), 1);
    assert_eq!(payments["payments"][0]["status"], "completed");
    assert_eq!(payments["payments"][0]["amount"], 1_000);
    assert_eq!(notifications(&shop, id).await, ["order_confirmation"]);
    for bundle in SUBSCRIPTIONS.iter().map(|row| row.consumer).chain(["outbox-relay"]) {
        let letters = world.cloud.dead_letters(bundle).await;
        assert!(letters.is_empty(), "{bundle}: {letters:?}");
    }
}

/// The event source mappings, which connect the bundles on AWS.
pub(crate) struct Platform {
    streams: Streams,
    relay: RuntimeEmulator,
    functions: BTreeMap<&'static str, RuntimeEmulator>,
}

impl Platform {
    pub(crate) async fn start(world: &World) -> Self {
        let mut functions = BTreeMap::new();
        for row in SUBSCRIPTIONS {
            functions.insert(row.consumer, world.start(row.consumer).await);
        }
        Self { streams: Streams::open(world).await, relay: world.start("outbox-relay").await, functions }
    }

    /// Invokes the functions with the records of the streams and the messages of the queues.
    pub(crate) async fn step(&mut self, world: &World) {
        for batch in self.streams.read().await {
            self.relay.invoke(&batch).await.unwrap();
        }
        for (consumer, function) in &self.functions {
            deliver(world, consumer, function).await;
        }
    }
}

/// Deletes the processed messages. The others are delivered again after the delay that the function set.
async fn deliver(world: &World, consumer: &str, function: &RuntimeEmulator) {
    let messages = world.cloud.receive(consumer, 0).await;
    if messages.is_empty() {
        return;
    }
    let answer = function.invoke(&world.cloud.sqs_event(consumer, &messages)).await.unwrap();
    let failed = failed_ids(&answer);
    for message in &messages {
        if !failed.contains(&message.message_id().unwrap()) {
            world.cloud.delete(consumer, message).await;
        }
    }
}

/// Returns the templates of the messages about an order.
pub(crate) async fn notifications(shop: &Api, id: &str) -> Vec<String> {
    let body = shop.get(&format!("/api/v1/notifications?order_id={id}")).await.expect(200);
    let sent = body["notifications"].as_array().unwrap();
    sent.iter().map(|sent| sent["template"].as_str().unwrap().to_owned()).collect()
}

/// Returns whether the order is in the index of unsettled orders.
async fn is_open(world: &World, id: &str) -> bool {
    let table = world.store.table(&ORDERS);
    let item: Option<Value> = table.get(table.key(id)).await.unwrap();
    item.unwrap().get("open_partition").is_some()
}
