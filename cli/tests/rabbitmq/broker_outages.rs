//! The broker goes and comes back in the middle of work.

use crate::books::Books;
use crate::load::{Limit, place_at_rate};
use crate::shop::Shop;

const SKU: &str = "STEADY";
const ORDERS: usize = 2_000;
const PER_SECOND: u32 = 100;

/// Twice stopped in order and twice killed, while orders come in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_is_restarted_and_killed_in_two_thousand_orders() {
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
        // Nobody can be told of these yet.
        accepted.extend(place_at_rate(&shop, SKU, PER_SECOND, Limit::Orders(ORDERS / 8)).await);
        shop.broker.restart().await.unwrap();
    }
    assert_eq!(accepted.len(), ORDERS, "the broker's outages are no reason to refuse an order");
    let books = Books::of(shop.store.url()).await;
    books.settle().await;
    books.check(&accepted, SKU, stock).await;
    assert_eq!(shop.dead_letters().await, 0);
    let parts = shop.consumers.iter_mut().chain([&mut shop.relay, &mut shop.front, &mut shop.store]);
    for part in parts {
        assert!(part.is_running(), "no process had to be restarted");
    }
}
