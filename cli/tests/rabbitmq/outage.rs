//! An outage of everything except order intake.

use orderflow_testing::program::Program;

use crate::load::order;
use crate::shop::{Shop, part};
use crate::tables::Tables;

/// While the broker and every consumer are down, a process that never reached the broker accepts orders; all are settled when the others
/// run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_accepted_while_everything_else_is_down() {
    let (sku, stock) = ("PATIENT", 5);
    let mut shop = Shop::open(sku, stock).await;
    shop.broker.stop().await.unwrap();
    shop.consumers.iter().chain([&shop.relay, &shop.front]).for_each(Program::kill);
    shop.front = part("order-intake,shop-api", shop.store.url(), &shop.broker.uri());
    let mut accepted = Vec::new();
    for _ in 0..10 {
        accepted.push(shop.place(&order(sku)).await.expect("202"));
    }
    shop.consumers.iter_mut().chain([&mut shop.relay]).for_each(Program::restart);
    let health = shop.text_of(shop.consumer("payment"), "/health").await;
    assert!(health.contains(r#""broker":"down""#), "{health}");
    shop.broker.restart().await.unwrap();
    let tables = Tables::of(shop.store.url()).await;
    tables.wait_until_settled().await;
    tables.check(&accepted, sku, stock).await;
    shop.wait_until("the broker is up, and each queue has its consumer", async || {
        shop.text_of(shop.consumer("payment"), "/health").await.contains(r#""broker":"up""#)
    })
    .await;
    for part in std::mem::take(&mut shop.consumers) {
        part.stop();
    }
}
