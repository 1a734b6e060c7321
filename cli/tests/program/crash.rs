//! SIGKILL while orders are processed.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use orderflow_engine::Location;
use orderflow_store::{Listing, partitions};
use orderflow_system::{Settings, System};
use orderflow_testing::program::PATIENCE;
use serde_json::Value;

use crate::server::Server;

const ORDERS: usize = 1_000;
const SKU: &str = "PRODUCT-002";
const STOCK: i64 = 500;

/// Places `count` orders and returns the ids of those that the server accepted before it was killed.
async fn place_some(server: &Server, count: usize) -> Vec<String> {
    let attempts = futures::stream::iter(0..count).map(|_| server.place(SKU, "C1"));
    attempts.buffer_unordered(16).filter_map(|id| async { id }).collect().await
}

/// Kills the program three times while it processes 1,000 orders, and restarts it on the same data: every accepted order is settled, the
/// stock adds up, and each confirmed order has one charge and one message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_in_1000_orders_lose_and_repeat_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut accepted: BTreeSet<String> = BTreeSet::new();
    for round in 1..=3 {
        let server = Server::on(data.path());
        let (ids, ()) = tokio::join!(place_some(&server, ORDERS), kill_after(&server, 20 * round));
        assert!(ids.len() < ORDERS, "every order was accepted before the kill");
        accepted.extend(ids);
    }
    let server = Server::on(data.path());
    accepted.extend(place_some(&server, ORDERS.saturating_sub(accepted.len())).await);
    assert!(accepted.len() >= ORDERS);
    server
        .wait_until("every order ended", async |server| {
            let open =
                server.orders("&status=pending").await.len() + server.orders("&status=reserved").await.len();
            open == 0
        })
        .await;
    for id in &accepted {
        let order = server.get(&format!("/api/v1/orders/{id}")).await;
        assert_ne!(order["status"], "pending", "{order}");
    }
    assert!(server.stop().success());
    check_books(data.path()).await;
}

/// Kills the server once this many more orders are confirmed.
async fn kill_after(server: &Server, confirmed: usize) {
    let before = server.orders("&status=confirmed").await.len();
    server
        .wait_until("more orders are confirmed", async |server| {
            server.orders("&status=confirmed").await.len() >= before + confirmed
        })
        .await;
    server.kill();
}

/// Checks the data after all work is done.
async fn check_books(data: &std::path::Path) {
    let mut system = open_when_free(data).await;
    system.run_until_idle().await.unwrap();
    let mut confirmed = 0;
    let orders = all_orders(&system).await;
    assert!(orders.len() >= ORDERS);
    for order in &orders {
        let id = order["id"].as_str().unwrap();
        let payments = get(&system, &format!("/api/v1/payments?order_id={id}")).await;
        let messages = get(&system, &format!("/api/v1/notifications?order_id={id}")).await;
        let (payments, messages) =
            (payments["payments"].as_array().unwrap(), messages["notifications"].as_array().unwrap());
        assert_eq!((payments.len(), messages.len()), (1, 1), "{order}");
        let (status, template) = match order["status"].as_str().unwrap() {
            "confirmed" => {
                confirmed += 1;
                ("completed", "order_confirmation")
            }
            _ => ("voided", "order_out_of_stock"),
        };
        assert_eq!(
            (&payments[0]["status"], &messages[0]["template"]),
            (&status.into(), &template.into()),
            "{order}"
        );
    }
    assert_eq!(confirmed, STOCK, "each unit was sold once");
    let level = get(&system, &format!("/api/v1/inventory/{SKU}")).await;
    assert_eq!((&level["available"], &level["reserved"]), (&0.into(), &STOCK.into()));
    assert_eq!(unsettled(&system).await, 0, "every order is settled");
}

/// Opens the data directory, which the ended process may hold for a moment longer.
async fn open_when_free(data: &std::path::Path) -> System {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        match System::open(Settings::new(Location::Directory(data.to_owned()))).await {
            Ok(system) => return system,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn get(system: &System, path: &str) -> Value {
    use tower::ServiceExt;
    let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
    let response = system.router().oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn all_orders(system: &System) -> Vec<Value> {
    let (mut orders, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(system, &format!("/api/v1/orders?limit=100{cursor}")).await;
        orders.extend(page["orders"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return orders,
        }
    }
}

/// Returns the number of orders in the index of open orders.
async fn unsettled(system: &System) -> usize {
    let open = orderflow_orders::ORDERS.indexes.iter().find(|index| index.name == "open").unwrap();
    let listing = Listing { index: open, partitions: partitions("open", 16), descending: false };
    system.store().table(&orderflow_orders::ORDERS).list(&listing, None, 100_000).await.unwrap().len()
}
