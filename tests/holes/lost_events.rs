//! Events that are lost before a consumer receives them, as after an outage longer than the streams' retention.

use std::time::Duration;

use orderflow_domain::{OrderId, Timestamp};
use orderflow_store::Write;
use orderflow_system::TABLES;
use orderflow_tests::order_body;
use serde_json::{Value, json};

use crate::support::{TestShop, assert_confirmed, dead_letters, is_settled, open, work};

/// The time after which the event of an open order is resent.
const RESEND_AFTER: Duration = Duration::from_secs(120);

/// More rounds than any order needs.
const ROUNDS: usize = 8;

/// Loses every event that is written and not yet published.
async fn lose(shop: &TestShop) {
    let system = &shop.mode.system;
    let backend = system.store().backend();
    for definition in TABLES.iter().filter(|table| table.streams) {
        let table = system.store().table(definition);
        // The newest record of a stream is never trimmed, so the last write has no event.
        let id = OrderId::generate().to_string();
        let last = match definition.range {
            Some(_) => table.key_with_range(&id, &id),
            None => table.key(&id),
        };
        system.store().write(Write::update(&table, last)).await.unwrap();
        let mut stream = backend.open_stream(table.name(), Vec::new()).await.unwrap();
        while let Some(batch) = stream.read().await.unwrap().pop() {
            backend.trim_stream(table.name(), &batch.last).await.unwrap();
        }
    }
}

/// Sweeps at later and later times, until the order is settled.
async fn heal(shop: &mut TestShop, id: &str) {
    let now = Timestamp::now();
    let early = shop.mode.system.sweep(Timestamp::from_millis(now.as_millis() + 110_000)).await.unwrap();
    assert_eq!((early.unsettled, early.resent), (1, 0));
    for waits in [1, 3, 7, 14] {
        let swept = shop.mode.system.sweep(now.plus(RESEND_AFTER * waits)).await.unwrap();
        assert_eq!((swept.unsettled, swept.expired), (1, 0));
        shop.wait_until_idle().await;
        if is_settled(shop, id).await {
            return;
        }
    }
    panic!("{id} does not settle: {}", shop.order(id).await);
}

/// For each number of rounds: places the order in a new shop, loses all unpublished events after that many rounds, and settles the order by
/// sweeps. Returns the cases in which sweeps were needed.
async fn lose_after_each_round(body: &Value) -> Vec<(usize, TestShop, String)> {
    let mut healed = Vec::new();
    for rounds in 0..ROUNDS {
        let mut shop = open().await;
        let id = shop.place(body).await;
        work(&mut shop, rounds).await;
        lose(&shop).await;
        shop.wait_until_idle().await;
        if !is_settled(&shop, &id).await {
            heal(&mut shop, &id).await;
            assert_eq!(dead_letters(&shop).await, 0);
            healed.push((rounds, shop, id));
        }
    }
    healed
}

/// Returns the numbers of rounds after which the loss left an order open.
fn rounds(healed: &[(usize, TestShop, String)]) -> Vec<usize> {
    healed.iter().map(|(rounds, ..)| *rounds).collect()
}

#[tokio::test]
async fn an_order_is_confirmed_whichever_event_is_lost() {
    let healed = lose_after_each_round(&order_body("PRODUCT-001", 1)).await;
    // The lost events: placed, reserved, paid.
    assert_eq!(rounds(&healed), [0, 1, 2]);
    for (_, shop, id) in &healed {
        assert_confirmed(shop, id).await;
        assert_eq!(shop.level("PRODUCT-001").await, (99, 1));
    }
}

#[tokio::test]
async fn a_declined_order_releases_its_stock_whichever_event_is_lost() {
    let mut body = order_body("TSHIRT-GRY-S", 4);
    body["payment_token"] = json!("tok_declined");
    let healed = lose_after_each_round(&body).await;
    // The lost events: placed, reserved, declined, rejected, released.
    assert_eq!(rounds(&healed), [0, 1, 2, 3, 4]);
    for (_, shop, id) in &healed {
        assert_eq!(shop.order(id).await["reason"], "payment_declined");
        assert_eq!(shop.level("TSHIRT-GRY-S").await, (10, 0));
        assert_eq!(shop.payment(id).await.as_deref(), Some("failed"));
        assert_eq!(shop.notifications(id).await, ["order_payment_declined email"]);
    }
}

#[tokio::test]
async fn an_order_out_of_stock_is_refused_whichever_event_is_lost() {
    let healed = lose_after_each_round(&order_body("TSHIRT-GRY-S", 11)).await;
    // The lost events: placed, out of stock, rejected, voided.
    assert_eq!(rounds(&healed), [0, 1, 2, 3]);
    for (_, shop, id) in &healed {
        assert_eq!(shop.order(id).await["reason"], "out_of_stock");
        assert_eq!(shop.level("TSHIRT-GRY-S").await, (10, 0));
        assert_eq!(shop.notifications(id).await, ["order_out_of_stock email"]);
    }
}

#[tokio::test]
async fn a_cancelled_order_is_undone_whichever_event_is_lost() {
    let mut left_open = Vec::new();
    for rounds in 0..ROUNDS {
        let mut shop = open().await;
        let id = shop.place(&order_body("PRODUCT-001", 1)).await;
        // The order is reserved and charged, and these events are not published yet.
        work(&mut shop, 2).await;
        shop.delete(&format!("/api/v1/orders/{id}")).await.expect(200);
        work(&mut shop, rounds).await;
        lose(&shop).await;
        shop.wait_until_idle().await;
        if !is_settled(&shop, &id).await {
            left_open.push(rounds);
            heal(&mut shop, &id).await;
        }
        assert_eq!(shop.order(&id).await["reason"], "customer");
        assert_eq!(shop.payment(&id).await.as_deref(), Some("refunded"));
        assert_eq!(shop.level("PRODUCT-001").await, (100, 0));
        assert_eq!(shop.notifications(&id).await, ["order_cancelled email", "order_refunded email"]);
    }
    // The lost events: cancelled, undone.
    assert_eq!(left_open, [0, 1]);
}
