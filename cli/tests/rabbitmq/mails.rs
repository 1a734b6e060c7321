//! Two complete processes over one store and one broker: each order is mailed once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use orderflow_testing::mail_server::{Mail, MailServer};
use orderflow_testing::program::{PATIENCE, Program, wait_until};
use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::load::order;
use crate::shop::{complete, store};

const SKU: &str = "MAILED";

/// The number of orders that are placed at once.
const AT_ONCE: usize = 16;

/// The number of kills, of one process and the other in turn.
const KILLS: usize = 6;

/// The time in which a second mail about an order would arrive: an event that was published twice is delivered at once.
const QUIET: Duration = Duration::from_secs(5);

/// Returns the number of orders: by default as many as fit into a test run. `ORDERFLOW_MAILED_ORDERS` sets more.
fn orders() -> usize {
    std::env::var("ORDERFLOW_MAILED_ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(210)
}

struct Pair {
    mail: MailServer,
    processes: [Program; 2],
    client: reqwest::Client,
    _store: Program,
    _broker: RabbitMq,
    _data: TempDir,
}

impl Pair {
    async fn open() -> Self {
        let (broker, data) = (RabbitMq::start().await.unwrap(), tempfile::tempdir().unwrap());
        let (mail, store) = (MailServer::start().await.unwrap(), store(data.path()));
        let smtp = format!("smtp://{}", mail.address());
        let start = || complete(store.url(), &broker.uri(), &smtp);
        let processes = [start(), start()];
        let client = reqwest::Client::new();
        let pair = Self { mail, processes, client, _store: store, _broker: broker, _data: data };
        let product =
            json!({"sku": SKU, "name": SKU, "price": {"amount": 500, "currency": "USD"}, "stock": 100_000});
        assert_eq!(pair.post(0, "products", SKU, &product).await, Some(201));
        wait_until("the stock is booked", async || {
            pair.get(&format!("inventory/{SKU}")).await.is_some_and(|stock| stock["available"] == 100_000)
        })
        .await;
        pair
    }

    async fn post(&self, process: usize, path: &str, key: &str, body: &Value) -> Option<u16> {
        let url = format!("{}/api/v1/{path}", self.processes[process].url());
        let request = self.client.post(url).header("Idempotency-Key", key).json(body);
        Some(request.timeout(PATIENCE).send().await.ok()?.status().as_u16())
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let url = format!("{}/api/v1/{path}", self.processes[0].url());
        let answer = self.client.get(url).timeout(PATIENCE).send().await.ok()?;
        if answer.status() == 200 { answer.json().await.ok() } else { None }
    }

    /// Places orders at both processes in turn. If one is not running, the other one gets its orders, under the same key.
    async fn place(&self, numbers: Range<usize>) {
        let place = async |number: usize| {
            let (first, key, body) = (number % 2, format!("order-{number}"), order(SKU));
            if self.post(first, "orders", &key, &body).await != Some(202) {
                assert_eq!(self.post(1 - first, "orders", &key, &body).await, Some(202));
            }
        };
        stream::iter(numbers).map(place).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    /// Waits until every order is mailed, and no event waits that could be mailed again. Returns how often each message arrived.
    async fn mailed(&self, orders: usize) -> BTreeMap<String, usize> {
        wait_until("every order is mailed", async || message_ids(&self.mail.mails()).len() >= orders).await;
        wait_until("no event waits", async || {
            let queues = self.get("admin/queues").await;
            queues.is_some_and(|found| found["queues"].as_array().unwrap().iter().all(is_empty))
        })
        .await;
        tokio::time::sleep(QUIET).await;
        message_ids(&self.mail.mails())
    }
}

fn is_empty(queue: &Value) -> bool {
    ["ready", "in_flight", "delayed"].iter().all(|count| queue[count] == 0)
}

/// Returns how often each message arrived.
fn message_ids(mails: &[Mail]) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for mail in mails {
        *ids.entry(mail.header("Message-ID").unwrap()).or_default() += 1;
    }
    ids
}

/// Returns how many messages arrived more than once, counting each further time.
fn repeats(ids: &BTreeMap<String, usize>) -> usize {
    ids.values().map(|count| count - 1).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_complete_processes_mail_each_order_once() {
    let (pair, orders) = (Pair::open().await, orders());
    let started = Instant::now();
    pair.place(0..orders).await;
    wait_until("every order is mailed", async || message_ids(&pair.mail.mails()).len() >= orders).await;
    eprintln!("{orders} orders placed and mailed in {:?}", started.elapsed());
    let ids = pair.mailed(orders).await;
    assert_eq!((ids.len(), repeats(&ids)), (orders, 0));
}

/// From the moment when the mail server has the whole mail until it is recorded, only the killed process could know whether it was accepted. A process does that with one
/// mail at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kill_of_a_process_repeats_one_mail_at_most() {
    let (mut pair, orders) = (Pair::open().await, orders());
    let share = orders / (KILLS + 1);
    for kill in 0..KILLS {
        let killed = kill % 2;
        tokio::join!(pair.place(kill * share..(kill + 1) * share), async {
            let before = pair.mail.mails().len();
            wait_until("some orders are mailed", async || pair.mail.mails().len() > before + share / 4).await;
            pair.processes[killed].kill();
        });
        pair.processes[killed].restart();
        pair.processes[killed].url();
    }
    pair.place(KILLS * share..orders).await;
    let ids = pair.mailed(orders).await;
    let repeats = repeats(&ids);
    eprintln!("{orders} orders, {KILLS} kills, {repeats} mails repeated");
    assert_eq!(ids.len(), orders);
    assert!(repeats <= KILLS, "{repeats} repeats: {:?}", ids.iter().filter(|(_, count)| **count > 1));
}
