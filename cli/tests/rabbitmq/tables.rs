//! The state that the tables must have after a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

/// The time limit for settling all orders: seconds on an idle machine, minutes on one that compiles at the same time.
const PATIENCE: Duration = Duration::from_secs(300);

type Item = HashMap<String, AttributeValue>;

/// The tables, read directly from the store.
pub(crate) struct Tables(Client);

impl Tables {
    pub(crate) async fn of(store: &str) -> Self {
        Self(Client::new(&orderflow_bridge::sdk_config(Some(store)).await))
    }

    async fn scan(&self, table: &str) -> Vec<Item> {
        let pages = self.0.scan().table_name(table).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.unwrap()
    }

    /// Returns the number of orders in the index of open orders.
    async fn unsettled(&self) -> usize {
        let mut found = 0;
        for shard in 0..16 {
            let query = self.0.query().table_name("orderflow-orders").index_name("open");
            let query = query.key_condition_expression("open_partition = :p");
            let query = query.expression_attribute_values(":p", AttributeValue::S(format!("open#{shard}")));
            found += query.send().await.unwrap().count();
        }
        usize::try_from(found).unwrap()
    }

    /// Waits until every order is settled and has its message.
    pub(crate) async fn wait_until_settled(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let unsettled = self.unsettled().await;
            if unsettled == 0 && self.messages().await.len() >= self.orders().await.len() {
                return;
            }
            assert!(Instant::now() < deadline, "{unsettled} orders are not settled after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn orders(&self) -> BTreeMap<String, Item> {
        by(self.scan("orderflow-orders").await, "id")
    }

    /// Returns the ids of the messages of each order.
    async fn messages(&self) -> BTreeMap<String, Vec<String>> {
        let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for record in self.scan("orderflow-notifications").await {
            messages.entry(text(&record, "order_id")).or_default().push(text(&record, "id"));
        }
        messages
    }

    /// Checks that every accepted order has ended, and that stock, payments and messages agree with its outcome. All orders are for one unit of
    /// one product.
    pub(crate) async fn check(&self, accepted: &[String], sku: &str, stock: i64) {
        let orders = self.orders().await;
        let missing: Vec<_> = accepted.iter().filter(|id| !orders.contains_key(*id)).collect();
        assert!(missing.is_empty(), "lost: {missing:?}");
        assert_eq!(accepted.iter().collect::<HashSet<_>>().len(), accepted.len());
        let payments = by(self.scan("orderflow-payments").await, "pk");
        let inventory = by(self.scan("orderflow-inventory").await, "pk");
        let messages = self.messages().await;
        let mut confirmed = 0;
        for (id, order) in &orders {
            let reservation = text(&inventory[&format!("order#{id}")], "status");
            let payment = text(&payments[id], "status");
            let charged =
                payments.get(&format!("ledger#{id}")).is_some_and(|line| text(line, "status") == "captured");
            let outcome = match text(order, "status").as_str() {
                "confirmed" => {
                    confirmed += 1;
                    assert_eq!(messages[id], ["order_confirmation#email"], "{id}");
                    ("reserved", "completed", true)
                }
                "rejected" => {
                    assert_eq!(messages[id], ["order_out_of_stock#email"], "{id}");
                    ("rejected", "voided", false)
                }
                other => panic!("order {id} is {other}"),
            };
            assert_eq!((reservation.as_str(), payment.as_str(), charged), outcome, "{id}");
        }
        let level = &inventory[&format!("stock#{sku}")];
        assert_eq!((number(level, "available"), number(level, "reserved")), (stock - confirmed, confirmed));
        assert!(confirmed <= stock, "oversold");
    }
}

fn by(items: Vec<Item>, key: &str) -> BTreeMap<String, Item> {
    items.into_iter().map(|item| (text(&item, key), item)).collect()
}

fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

fn number(item: &Item, name: &str) -> i64 {
    item[name].as_n().unwrap().parse().unwrap()
}
