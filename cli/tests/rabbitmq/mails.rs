//! Two complete processes over one store and one broker: each order is mailed once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use orderflow_testing::mail_server::{Mail, MailServer};
use orderflow_testing::program::{PATIENCE, Program, wait_until};
use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::json;
use tempfile::TempDir;

use crate::load::order;
use crate::shop::{complete, store};

const SKU: &str = "MAILED";
const ORDERS: usize = 100;

/// The most messages that a process sends at once.
const IN_FLIGHT: usize = 32;

/// The time in which a second mail about an order would arrive: an event that was published twice is delivered at once.
const QUIET: Duration = Duration::from_secs(5);

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
            json!({"sku": SKU, "name": SKU, "price": {"amount": 500, "currency": "USD"}, "stock": 1_000});
        assert_eq!(pair.post(0, "products", &product).await, Some(201));
        pair
    }

    async fn post(&self, process: usize, path: &str, body: &serde_json::Value) -> Option<u16> {
        let url = format!("{}/api/v1/{path}", self.processes[process].url());
        let answer = self.client.post(url).json(body).timeout(PATIENCE).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// Places orders at both processes in turn. A process that is not running is left out.
    async fn place(&self, count: usize) {
        for number in 0..count {
            let first = number % 2;
            if self.post(first, "orders", &order(SKU)).await != Some(202) {
                assert_eq!(self.post(1 - first, "orders", &order(SKU)).await, Some(202));
            }
        }
    }

    async fn wait_until_mailed(&self, orders: usize) {
        wait_until("every order is mailed", async || message_ids(&self.mail.mails()).len() >= orders).await;
        tokio::time::sleep(QUIET).await;
    }
}

/// Returns how often each message arrived.
fn message_ids(mails: &[Mail]) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for mail in mails {
        *ids.entry(mail.header("Message-ID").unwrap()).or_default() += 1;
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_complete_processes_mail_each_of_100_orders_once() {
    let pair = Pair::open().await;
    pair.place(ORDERS).await;
    pair.wait_until_mailed(ORDERS).await;
    let ids = message_ids(&pair.mail.mails());
    let repeated: BTreeSet<_> = ids.iter().filter(|(_, count)| **count > 1).collect();
    assert_eq!((ids.len(), repeated), (ORDERS, BTreeSet::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_repeats_at_most_the_mails_in_flight() {
    let pair = Pair::open().await;
    let ((), ()) = tokio::join!(pair.place(ORDERS), async {
        wait_until("some orders are mailed", async || pair.mail.mails().len() >= ORDERS / 4).await;
        pair.processes[1].kill();
    });
    pair.wait_until_mailed(ORDERS).await;
    let ids = message_ids(&pair.mail.mails());
    let repeats: usize = ids.values().map(|count| count - 1).sum();
    // An order whose answer was lost in the kill was placed again.
    assert!(ids.len() >= ORDERS, "{ids:?}");
    assert!(repeats <= IN_FLIGHT, "{repeats} repeats: {ids:?}");
}
