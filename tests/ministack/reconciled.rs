//! Topic, queues, subscriptions and tables that vanish while the system runs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use orderflow_bridge::sdk_config;
use orderflow_engine::Location;
use orderflow_orders::ExpirySettings;
use orderflow_sqs::{Piece, Provisioner, SqsNames, ensure};
use orderflow_system::{BrokerLocation, Settings, StoreLocation};
use orderflow_testing::ministack::MiniStack;
use orderflow_tests::{Answer, LiveSystem, order_body};
use serde_json::Value;

use crate::mode::executable;

/// The time in which what vanished is there again.
const HEALED: Duration = Duration::from_secs(10);

/// The time in which health shows what is missing: a check that has passed is used again for a second.
const NOTICED: Duration = Duration::from_secs(3);

const PATIENCE: Duration = Duration::from_secs(120);

const CONSUMERS: [&str; 5] = ["order-tracker", "inventory-reserve", "payment", "notification", "analytics"];

/// A system with an emulator of its own.
struct Shop {
    stack: MiniStack,
    live: LiveSystem,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    provisioner: Provisioner,
    orders: BTreeSet<String>,
}

impl Shop {
    async fn open() -> Self {
        let stack = MiniStack::start(&executable()).await.unwrap();
        let expiry = ExpirySettings { resend_after: Duration::from_secs(2), ..ExpirySettings::default() };
        let settings = Settings {
            store: StoreLocation::Endpoint(stack.endpoint().parse().unwrap()),
            broker: Some(BrokerLocation::Sqs(stack.endpoint().parse().unwrap())),
            expiry,
            ..Settings::new(Location::Memory)
        };
        let live = LiveSystem::start(settings).await.unwrap();
        let config = sdk_config(Some(stack.endpoint())).await;
        let provisioner = ensure(&config, SqsNames::new("orderflow")).await.unwrap().provisioner;
        let (sns, sqs) = (aws_sdk_sns::Client::new(&config), aws_sdk_sqs::Client::new(&config));
        Self { stack, live, sns, sqs, provisioner, orders: BTreeSet::new() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.live.call(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn place(&mut self, count: usize) {
        for _ in 0..count {
            let request = Request::post("/api/v1/orders").header("content-type", "application/json");
            let body = Body::from(order_body("PRODUCT-002", 1).to_string());
            let accepted = self.live.call(request.body(body).unwrap()).await.expect(202).body;
            self.orders.insert(accepted["id"].as_str().unwrap().to_owned());
        }
    }

    async fn health(&self) -> Value {
        self.get("/health").await.body
    }

    async fn all_are_confirmed(&self) {
        for id in &self.orders {
            let is_confirmed =
                async || self.get(&format!("/api/v1/orders/{id}")).await.body["status"] == "confirmed";
            within(PATIENCE, "every accepted order is confirmed", is_confirmed).await;
        }
    }

    async fn delete(&self, piece: Piece) {
        let queue = async |name: String| {
            let url = self.sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap();
            self.sqs.delete_queue().queue_url(url).send().await.unwrap();
        };
        let names = SqsNames::new("orderflow");
        match piece {
            Piece::Topic => {
                let topics = self.sns.list_topics().send().await.unwrap();
                let arn = topics.topics().first().unwrap().topic_arn().unwrap();
                self.sns.delete_topic().topic_arn(arn).send().await.unwrap();
            }
            Piece::Queue(consumer) => queue(names.queue(consumer)).await,
            Piece::DeadLetterQueue(consumer) => queue(names.dead_letter_queue(consumer)).await,
            Piece::Subscription(consumer) => {
                let listed = self.sns.list_subscriptions().send().await.unwrap();
                let end = format!(":{}", names.queue(consumer));
                let mut found = listed.subscriptions().iter();
                let found = found.find(|found| found.endpoint().unwrap().ends_with(&end)).unwrap();
                let arn = found.subscription_arn().unwrap();
                self.sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
            }
        }
    }
}

async fn within(time: Duration, what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < time, "not within {time:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_is_created_again_and_every_order_ends() {
    let mut shop = Shop::open().await;
    let queues = CONSUMERS.into_iter().flat_map(|consumer| {
        [Piece::Queue(consumer), Piece::DeadLetterQueue(consumer), Piece::Subscription(consumer)]
    });
    for piece in std::iter::once(Piece::Topic).chain(queues) {
        shop.place(5).await;
        shop.delete(piece).await;
        within(NOTICED, &format!("the loss of the {piece} shows in health"), async || {
            let is_healthy = shop.health().await["status"] == "healthy";
            !is_healthy || shop.provisioner.missing().await.unwrap().is_empty()
        })
        .await;
        shop.place(5).await;
        within(HEALED, &format!("the {piece} is there again"), async || {
            shop.provisioner.missing().await.unwrap().is_empty()
        })
        .await;
        within(HEALED, "health recovers", async || shop.health().await["services"]["broker"] == "up").await;
    }
    shop.all_are_confirmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emulator_that_restarts_empty_is_filled_again() {
    let mut shop = Shop::open().await;
    shop.place(1).await;
    shop.all_are_confirmed().await;
    shop.stack.restart_empty().await.unwrap();
    shop.orders.clear();
    within(HEALED, "store and broker are up", async || shop.get("/health").await.status == 200).await;
    within(HEALED, "the demo products are there", async || {
        let products = shop.get("/api/v1/products").await.body;
        products["products"].as_array().is_some_and(|products| products.len() == 5)
    })
    .await;
    within(HEALED, "the initial stock is there", async || {
        shop.get("/api/v1/inventory/PRODUCT-002").await.status == 200
    })
    .await;
    shop.place(3).await;
    shop.all_are_confirmed().await;
}
