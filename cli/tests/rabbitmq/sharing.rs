//! One part in two processes.

use std::cell::RefCell;

use orderflow_testing::program::Program;

use crate::load::order;
use crate::shop::{Shop, part};
use crate::tables::Tables;

/// Returns the number of deliveries that a part has acknowledged.
async fn done(shop: &Shop, part: &Program) -> u64 {
    let series = r#"deliveries_total{consumer="payment",outcome="done"} "#;
    let page = shop.text_of(part, "/metrics").await;
    page.lines().find_map(|line| line.strip_prefix(series)?.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_of_one_part_share_its_queue() {
    let (sku, stock) = ("SHARED", 1_000);
    let shop = Shop::open(sku, stock).await;
    let (first, second) = (shop.consumer("payment"), part("payment", shop.store.url(), &shop.broker.uri()));
    let accepted = RefCell::new(Vec::new());
    shop.wait_until("both processes have charged a payment", async || {
        let placed = shop.place(&order(sku)).await;
        accepted.borrow_mut().extend(placed);
        done(&shop, first).await > 0 && done(&shop, &second).await > 0
    })
    .await;
    let tables = Tables::of(shop.store.url()).await;
    tables.wait_until_settled().await;
    tables.check(&accepted.take(), sku, stock).await;
    assert_eq!(shop.dead_letters().await, 0);
}
