//! Each consumer for itself, and one of them killed every second.

use std::time::Duration;

use tokio::time::Instant;

use crate::books::Books;
use crate::load::{Limit, place_at_rate};
use crate::shop::Shop;

const SKU: &str = "HOT";
const STOCK: i64 = 6_000;
const PER_SECOND: u32 = 200;
const KILLING: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_are_killed_every_second_for_a_minute() {
    let mut shop = Shop::open(SKU, STOCK).await;
    let mut consumers = std::mem::take(&mut shop.consumers);
    let killer = tokio::task::spawn_blocking(move || {
        let started = std::time::Instant::now();
        let mut kills: usize = 0;
        while started.elapsed() < KILLING {
            std::thread::sleep(Duration::from_secs(1));
            let victim = kills % consumers.len();
            consumers[victim].kill();
            consumers[victim].start_again();
            kills += 1;
        }
        (consumers, kills)
    });
    let accepted = place_at_rate(&shop, SKU, PER_SECOND, Limit::Time(KILLING)).await;
    let (consumers, kills) = killer.await.unwrap();
    let ended = Instant::now();
    shop.consumers = consumers;
    assert!(kills > 40, "only {kills} kills");
    let books = Books::of(shop.store.url()).await;
    books.settle().await;
    eprintln!("{} orders, {kills} kills, settled after {:?}", accepted.len(), ended.elapsed());
    books.check(&accepted, SKU, STOCK).await;
    assert_eq!(shop.dead_letters().await, 0);
    assert!(shop.relay.is_running() && shop.front.is_running());
}
