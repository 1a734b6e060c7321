//! Nobody but the part that takes orders.

use crate::books::Books;
use crate::load::order;
use crate::part::Part;
use crate::shop::{Shop, part};

/// With the broker and every consumer down an order is accepted all the same, by a process that never saw the broker; when they are back
/// all complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_accepted_while_all_else_is_down() {
    let (sku, stock) = ("PATIENT", 5);
    let mut shop = Shop::open(sku, stock).await;
    shop.broker.stop().await.unwrap();
    shop.consumers.iter_mut().chain([&mut shop.relay, &mut shop.front]).for_each(Part::kill);
    shop.front = part("order-intake,shop-api", shop.store.url(), &shop.broker.uri());
    let mut accepted = Vec::new();
    for _ in 0..10 {
        accepted.push(shop.place(&order(sku)).await.expect("202"));
    }
    shop.consumers.iter_mut().chain([&mut shop.relay]).for_each(Part::start_again);
    let health = shop.text_of(shop.consumer("payment"), "/health").await;
    assert!(health.contains(r#""broker":"down""#), "{health}");
    shop.broker.restart().await.unwrap();
    let books = Books::of(shop.store.url()).await;
    books.settle().await;
    books.check(&accepted, sku, stock).await;
    let health = shop.text_of(shop.consumer("payment"), "/health").await;
    assert!(health.contains(r#""broker":"up""#), "{health}");
    for part in std::mem::take(&mut shop.consumers) {
        part.stop();
    }
}
