//! Outages of the broker while orders are processed.

use crate::load::{Limit, place_at_rate};
use crate::shop::Shop;
use crate::tables::Tables;

const SKU: &str = "STEADY";
const ORDERS: usize = 2_000;
const PER_SECOND: u32 = 100;

/// Stops the broker twice in order and kills it twice, while orders are placed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broker_outages_during_2000_orders_lose_and_repeat_nothing() {
    let stock = 1_500;
    let mut shop = Shop::open(SKU, stock).await;
    let mut accepted = Vec::new();
    for outage in 0..4 {
        let quarter = place_at_rate(&shop, SKU, PER_SECOND, Limit::Orders(ORDERS / 8)).await;
        accepted.extend(quarter);
        if outage % 2 == 0 {
            shop.broker.stop().await.unwrap();
        } else {
            shop.broker.kill();
        }
        // The events of these orders cannot be published yet.
        accepted.extend(place_at_rate(&shop, SKU, PER_SECOND, Limit::Orders(ORDERS / 8)).await);
        shop.broker.restart().await.unwrap();
    }
    assert_eq!(accepted.len(), ORDERS, "every order is accepted during the outages");
    let tables = Tables::of(shop.store.url()).await;
    tables.wait_until_settled().await;
    tables.check(&accepted, SKU, stock).await;
    assert_eq!(shop.dead_letters().await, 0);
    let parts = shop.consumers.iter().chain([&shop.relay, &shop.front, &shop.store]);
    for part in parts {
        assert!(part.is_running(), "a process ended during the outages");
    }
}
