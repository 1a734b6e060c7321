//! Each consumer in a process of its own, and one of them killed every second.

use std::time::Duration;

use tokio::time::Instant;

use crate::load::{Limit, place_at_rate};
use crate::shop::Shop;
use crate::tables::Tables;

const SKU: &str = "HOT";
const STOCK: i64 = 6_000;
const PER_SECOND: u32 = 200;
const DURATION: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_consumers_every_second_for_a_minute_lose_and_repeat_nothing() {
    let mut shop = Shop::open(SKU, STOCK).await;
    let mut consumers = std::mem::take(&mut shop.consumers);
    let killing = tokio::task::spawn_blocking(move || {
        let started = std::time::Instant::now();
        let mut kills: usize = 0;
        while started.elapsed() < DURATION {
            std::thread::sleep(Duration::from_secs(1));
            let index = kills % consumers.len();
            consumers[index].kill();
            consumers[index].restart();
            kills += 1;
        }
        (consumers, kills)
    });
    let accepted = place_at_rate(&shop, SKU, PER_SECOND, Limit::Time(DURATION)).await;
    let (consumers, kills) = killing.await.unwrap();
    let ended = Instant::now();
    shop.consumers = consumers;
    assert!(kills > 40, "only {kills} kills");
    let tables = Tables::of(shop.store.url()).await;
    tables.wait_until_settled().await;
    eprintln!("{} orders, {kills} kills, settled after {:?}", accepted.len(), ended.elapsed());
    tables.check(&accepted, SKU, STOCK).await;
    assert_eq!(shop.dead_letters().await, 0);
    assert!(shop.relay.is_running() && shop.front.is_running());
}
