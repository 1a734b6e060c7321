//! Events that a client of the broker forged: they name an order that does not exist.

use orderflow_domain::{Event, EventData, InventoryReserved, Money, OrderId, PaymentToken, Timestamp};
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_testing::samples::order_placed;
use orderflow_tests::order_body;

use crate::support::{TestShop, assert_confirmed, dead_letters, deliver_any, open};

fn placed(id: OrderId, units: i64) -> Event {
    order_placed(id, &[("PRODUCT-001", units)], Timestamp::now())
}

fn reserved(id: OrderId) -> Event {
    let total = Money { amount: 5_000, currency: "USD".parse().unwrap() };
    let payment_token = Some(PaymentToken::parse("tok_visa").unwrap());
    let data = InventoryReserved { order_id: id, total, payment_token };
    Event::new(EventData::InventoryReserved(data), "", Timestamp::now(), None)
}

/// Delivers an event to the consumers that subscribe to it, in this order of consumers.
async fn publish(shop: &TestShop, event: &Event, last_first: bool) {
    let mut rows: Vec<_> =
        SUBSCRIPTIONS.iter().filter(|row| row.types.contains(&event.event_type())).collect();
    if last_first {
        rows.reverse();
    }
    for row in rows {
        deliver_any(shop, row.consumer, std::slice::from_ref(event)).await;
    }
}

#[tokio::test]
async fn stock_and_charge_of_a_forged_order_are_undone() {
    for last_first in [false, true] {
        let mut shop = open().await;
        let id = OrderId::generate();
        publish(&shop, &placed(id, 3), last_first).await;
        assert_eq!(shop.level("PRODUCT-001").await, (97, 3));
        shop.wait_until_idle().await;
        assert_eq!(shop.level("PRODUCT-001").await, (100, 0));
        let payment = shop.payment(&id.to_string()).await;
        assert!(matches!(payment.as_deref(), Some("refunded" | "voided")), "{payment:?}");
        assert_eq!(shop.get(&format!("/api/v1/orders/{id}")).await.status, 404);
        assert!(shop.notifications(&id.to_string()).await.is_empty());
        assert_eq!(dead_letters(&shop).await, 0);
        let summary = shop.get("/api/v1/analytics/summary").await.expect(200).body;
        assert_eq!(
            (&summary["total_orders"], &summary["by_status"]["rejected"]),
            (&1.into(), &1.into()),
            "{summary}"
        );
    }
}

#[tokio::test]
async fn a_forged_reservation_that_reaches_payment_first_is_refunded() {
    let mut shop = open().await;
    let id = OrderId::generate();
    deliver_any(&shop, "payment", &[reserved(id)]).await;
    assert_eq!(shop.payment(&id.to_string()).await.as_deref(), Some("completed"));
    shop.wait_until_idle().await;
    assert_eq!(shop.payment(&id.to_string()).await.as_deref(), Some("refunded"));
    assert_eq!(dead_letters(&shop).await, 0);
}

#[tokio::test]
async fn a_forged_event_that_comes_again_after_it_was_undone_does_nothing() {
    let mut shop = open().await;
    let id = OrderId::generate();
    for _ in 0..3 {
        publish(&shop, &placed(id, 3), false).await;
        publish(&shop, &reserved(id), false).await;
        shop.wait_until_idle().await;
        assert_eq!(shop.level("PRODUCT-001").await, (100, 0));
        assert!(matches!(shop.payment(&id.to_string()).await.as_deref(), Some("refunded" | "voided")));
    }
    assert_eq!(dead_letters(&shop).await, 0);
}

#[tokio::test]
async fn a_forged_event_changes_nothing_for_orders_that_exist() {
    let mut shop = open().await;
    let id = shop.place(&order_body("PRODUCT-001", 1)).await;
    publish(&shop, &placed(OrderId::generate(), 3), false).await;
    publish(&shop, &placed(OrderId::parse(&id).unwrap(), 3), false).await;
    shop.wait_until_idle().await;
    assert_confirmed(&shop, &id).await;
    assert_eq!(shop.level("PRODUCT-001").await.0 + shop.level("PRODUCT-001").await.1, 100);
}
