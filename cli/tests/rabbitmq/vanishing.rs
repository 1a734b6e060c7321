//! Exchange, queues and bindings are deleted while orders arrive at a steady rate.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_testing::program::{Launch, PATIENCE, Program, wait_until};
use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::load::order;

/// The time in which what was deleted is there again, with its consumer.
const HEALED: Duration = Duration::from_secs(10);

/// The time after which `/health` has noticed a deletion: a positive result is used again for a second.
const NOTICED: Duration = Duration::from_millis(1_100);

const EXCHANGE: &str = "orderflow.events";
const SKU: &str = "VANISHING";

/// How much of it is done: by default a part that fits into a test run. `ORDERFLOW_VANISHING_ROUNDS` and `ORDERFLOW_VANISHING_RATE` set
/// more.
fn rounds() -> usize {
    number("ORDERFLOW_VANISHING_ROUNDS").unwrap_or(3)
}

fn orders_per_second() -> u32 {
    number("ORDERFLOW_VANISHING_RATE").and_then(|rate| rate.try_into().ok()).unwrap_or(30)
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

struct Shop {
    _broker: RabbitMq,
    /// A connection that does not use the bridge.
    connection: Connection,
    program: Program,
    client: reqwest::Client,
    accepted: std::sync::Mutex<BTreeSet<String>>,
    refused: AtomicUsize,
    is_open: AtomicBool,
}

impl Shop {
    async fn open() -> Arc<Self> {
        let broker = RabbitMq::start().await.unwrap();
        let arguments = ["up", "--port", "0", "--ephemeral", "--broker", &broker.uri()];
        let launch = Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments);
        let program = launch.env("ORDER_RESEND_AFTER", "2s").start();
        let connection = Connection::connect(&broker.uri(), ConnectionProperties::default()).await.unwrap();
        let shop = Self {
            _broker: broker,
            connection,
            client: reqwest::Client::new(),
            accepted: Default::default(),
            refused: AtomicUsize::default(),
            is_open: AtomicBool::new(true),
            program,
        };
        let product =
            json!({"sku": SKU, "name": SKU, "price": {"amount": 500, "currency": "USD"}, "stock": 1_000_000});
        let added = shop.client.post(shop.path("/api/v1/products")).json(&product).send().await.unwrap();
        assert_eq!(added.status(), 201);
        wait_until("the stock is booked", async || {
            shop.get(&format!("/api/v1/inventory/{SKU}")).await.is_some()
        })
        .await;
        wait_until("it is healthy", async || shop.status().await == "healthy").await;
        Arc::new(shop)
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.program.url())
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let response = self.client.get(self.path(path)).timeout(PATIENCE).send().await.ok()?;
        if response.status() == 200 { response.json().await.ok() } else { None }
    }

    async fn status(&self) -> String {
        let response = self.client.get(self.path("/health")).send().await.unwrap();
        let health: Value = response.json().await.unwrap();
        health["status"].as_str().unwrap().to_owned()
    }

    async fn place(&self) {
        let request = self.client.post(self.path("/api/v1/orders")).json(&order(SKU));
        let accepted = match request.timeout(PATIENCE).send().await {
            Ok(response) if response.status() == 202 => response.json::<Value>().await.ok(),
            _ => None,
        };
        match accepted.and_then(|order| order["id"].as_str().map(str::to_owned)) {
            Some(id) => {
                self.accepted.lock().unwrap().insert(id);
            }
            None => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Places orders until the shop is closed.
    async fn place_all(self: Arc<Self>) {
        let mut tick = interval(Duration::from_secs(1) / orders_per_second());
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut waiting = FuturesUnordered::new();
        while self.is_open.load(Ordering::Relaxed) {
            tick.tick().await;
            waiting.push(self.place());
            if waiting.len() >= 32 {
                waiting.next().await;
            }
        }
        while waiting.next().await.is_some() {}
    }

    /// Returns the last warnings and errors of the log, and what ended them.
    fn problems(&self) -> Vec<String> {
        let log = self.program.log();
        let is_of_interest = |line: &&str| {
            ["WARN", "ERROR", "again"].iter().any(|word| line.contains(word))
                && !line.contains("order resent")
        };
        let lines: Vec<String> = log.lines().filter(is_of_interest).map(str::to_owned).collect();
        lines[lines.len().saturating_sub(40)..].to_vec()
    }

    async fn channel(&self) -> Channel {
        self.connection.create_channel().await.unwrap()
    }

    /// Closes the shop, and waits until every accepted order is confirmed. Returns the orders.
    async fn all_end(&self) -> BTreeSet<String> {
        self.is_open.store(false, Ordering::Relaxed);
        let accepted = self.accepted.lock().unwrap().clone();
        let started = Instant::now();
        for id in &accepted {
            wait_until("every accepted order is confirmed", async || {
                let order = self.get(&format!("/api/v1/orders/{id}")).await;
                order.is_some_and(|order| order["status"] == "confirmed")
            })
            .await;
        }
        let refused = self.refused.load(Ordering::Relaxed);
        eprintln!(
            "{} orders accepted and confirmed, {refused} not accepted; the last was confirmed {:?} after the end",
            accepted.len(),
            started.elapsed()
        );
        wait_until("it is healthy", async || self.status().await == "healthy").await;
        accepted
    }
}

/// Something that can be deleted.
#[derive(Clone, Debug)]
enum Piece {
    Exchange,
    Queue { name: String, is_consumed: bool },
    Binding { queue: String, key: &'static str },
}

/// Asserts that something was missed once, and how the log says so.
async fn logged(shop: &Shop, missing: &str) {
    wait_until(&format!("the log says that {missing} was missing"), async || {
        let log = shop.program.log();
        let mut lines = log.lines().filter(|line| line.contains("were missing on the broker"));
        lines.any(|line| line.contains(missing))
    })
    .await;
}

fn queues() -> Vec<Piece> {
    let suffixes =
        ["", ".dlq", ".delay.250ms", ".delay.1000ms", ".delay.5000ms", ".delay.30000ms", ".delay.120000ms"];
    let names = SUBSCRIPTIONS.iter().flat_map(|row| {
        suffixes.map(|suffix| (format!("orderflow.{}{suffix}", row.consumer), suffix.is_empty()))
    });
    names.map(|(name, is_consumed)| Piece::Queue { name, is_consumed }).collect()
}

fn bindings() -> Vec<Piece> {
    let rows =
        SUBSCRIPTIONS.iter().flat_map(|row| row.types.iter().map(|kind| (row.consumer, kind.as_str())));
    rows.map(|(consumer, key)| Piece::Binding { queue: format!("orderflow.{consumer}"), key }).collect()
}

impl Piece {
    async fn delete(&self, shop: &Shop) {
        let channel = shop.channel().await;
        match self {
            Self::Exchange => {
                channel.exchange_delete(EXCHANGE.into(), ExchangeDeleteOptions::default()).await.unwrap();
            }
            Self::Queue { name, .. } => {
                channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
            }
            Self::Binding { queue, key } => {
                let arguments = FieldTable::default();
                let unbound =
                    channel.queue_unbind(queue.as_str().into(), EXCHANGE.into(), (*key).into(), arguments);
                unbound.await.unwrap();
            }
        }
    }

    /// Returns whether it exists, with its consumer if it has one. A binding cannot be asked for, so this is said of the exchange.
    async fn exists(&self, shop: &Shop) -> bool {
        let channel = shop.channel().await;
        match self {
            Self::Queue { name, is_consumed } => {
                let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
                let found = channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await;
                found.is_ok_and(|queue| !is_consumed || queue.consumer_count() > 0)
            }
            Self::Exchange | Self::Binding { .. } => {
                let passive = lapin::options::ExchangeDeclareOptions {
                    passive: true,
                    durable: true,
                    ..Default::default()
                };
                let arguments = FieldTable::default();
                let kind = lapin::ExchangeKind::Topic;
                channel.exchange_declare(EXCHANGE.into(), kind, passive, arguments).await.is_ok()
            }
        }
    }

    /// Returns whether it exists. A busy broker answers that a queue has no consumer if its leader does not say it in time, so it is asked again.
    async fn is_there(&self, shop: &Shop) -> bool {
        for _ in 0..3 {
            if self.exists(shop).await {
                return true;
            }
            sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Waits until it exists again. Returns how long that took.
    async fn heals(&self, shop: &Shop) -> Duration {
        let started = Instant::now();
        while !self.exists(shop).await {
            assert!(started.elapsed() < HEALED, "not within {HEALED:?}: {self:?}; {:#?}", shop.problems());
            sleep(Duration::from_millis(100)).await;
        }
        started.elapsed()
    }
}

/// Returns a number below `below` that depends on `seed` in no simple way (SplitMix64).
fn pick(seed: u64, below: usize) -> usize {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) % below as u64).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_piece_of_the_topology_is_deleted_in_turn() {
    let shop = Shop::open().await;
    let load = tokio::spawn(shop.clone().place_all());
    let consumed =
        queues().into_iter().filter(|piece| matches!(piece, Piece::Queue { is_consumed: true, .. }));
    let pieces: Vec<Piece> = std::iter::once(Piece::Exchange).chain(consumed).collect();
    let mut longest = Duration::ZERO;
    for piece in &pieces {
        piece.delete(&shop).await;
        sleep(NOTICED).await;
        // Looked at in this order: what health calls healthy exists at that time or later.
        let is_healthy = shop.status().await == "healthy";
        assert!(!is_healthy || piece.is_there(&shop).await, "{piece:?}; {:#?}", shop.problems());
        longest = longest.max(piece.heals(&shop).await);
        logged(&shop, if let Piece::Queue { name, .. } = piece { name } else { EXCHANGE }).await;
    }
    eprintln!("{} pieces deleted; the longest was away for {longest:?}", pieces.len());
    shop.is_open.store(false, Ordering::Relaxed);
    load.await.unwrap();
    shop.all_end().await;
}

/// Not even a notification is lost: each event has a second binding.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_binding_is_deleted_in_turn() {
    let shop = Shop::open().await;
    let load = tokio::spawn(shop.clone().place_all());
    for piece in bindings() {
        piece.delete(&shop).await;
        sleep(Duration::from_millis(200)).await;
    }
    shop.is_open.store(false, Ordering::Relaxed);
    load.await.unwrap();
    for order in shop.all_end().await {
        wait_until("the customer is notified", async || {
            let sent = shop.get(&format!("/api/v1/notifications?order_id={order}")).await.unwrap();
            !sent["notifications"].as_array().unwrap().is_empty()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_are_deleted_in_random_order() {
    let shop = Shop::open().await;
    let load = tokio::spawn(shop.clone().place_all());
    let (all, mut longest, mut deleted) = (queues(), Duration::ZERO, 0);
    for round in 0..rounds() as u64 {
        let mut left = all.clone();
        let mut removed = Vec::new();
        for step in 0..if round % 4 == 3 { all.len() } else { 8 } {
            let piece = left.swap_remove(pick(round * 100 + step as u64, left.len()));
            piece.delete(&shop).await;
            removed.push(piece);
        }
        deleted += removed.len();
        for piece in &removed {
            longest = longest.max(piece.heals(&shop).await);
        }
    }
    eprintln!("{} rounds, {deleted} queues deleted; the longest was away for {longest:?}", rounds());
    shop.is_open.store(false, Ordering::Relaxed);
    load.await.unwrap();
    shop.all_end().await;
}
