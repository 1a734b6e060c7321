//! Events that arrive late.

use orderflow_domain::{Event, EventData};
use orderflow_tests::order_body;
use serde_json::Value;

use crate::support::{assert_confirmed, deliver, is_settled, open, told};

/// Returns every event that inventory and payment can publish about an order.
fn every_report(order: &Value) -> Vec<Event> {
    vec![
        told(order, EventData::InventoryReserved),
        told(order, EventData::InventoryRejected),
        told(order, EventData::InventoryReleased),
        told(order, EventData::PaymentCompleted),
        told(order, EventData::PaymentFailed),
        told(order, EventData::PaymentVoided),
        told(order, EventData::PaymentRefunded),
    ]
}

#[tokio::test]
async fn h19_a_late_event_leaves_an_ended_order_as_it_is() {
    let mut shop = open().await;
    let confirmed = shop.place(&order_body("PRODUCT-001", 1)).await;
    let cancelled = shop.place(&order_body("PRODUCT-001", 1)).await;
    shop.delete(&format!("/api/v1/orders/{cancelled}")).await.expect(200);
    let rejected = shop.place(&order_body("PRODUCT-001", 5_000)).await;
    shop.wait_until_idle().await;
    for id in [&confirmed, &cancelled, &rejected] {
        let ended = shop.order(id).await;
        assert!(is_settled(&shop, id).await);
        let mut late = every_report(&ended);
        for _ in 0..late.len() {
            late.rotate_left(1);
            deliver(&shop, "order-tracker", &late).await;
            shop.wait_until_idle().await;
        }
        assert_eq!(shop.order(id).await, ended, "its time of change did not change");
        assert!(is_settled(&shop, id).await);
    }
    assert_confirmed(&shop, &confirmed).await;
    assert_eq!(shop.level("PRODUCT-001").await, (99, 1));
}

#[tokio::test]
async fn h19_a_payment_that_overtakes_its_reservation_confirms() {
    let mut shop = open().await;
    let id = shop.place(&order_body("PRODUCT-001", 1)).await;
    let order = shop.order(&id).await;
    deliver(&shop, "payment", &[told(&order, EventData::InventoryReserved)]).await;
    deliver(&shop, "order-tracker", &[told(&order, EventData::PaymentCompleted)]).await;
    assert_eq!(shop.order(&id).await["status"], "confirmed");
    shop.wait_until_idle().await;
    assert_confirmed(&shop, &id).await;
    assert_eq!(shop.level("PRODUCT-001").await, (99, 1));
}
