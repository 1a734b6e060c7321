//! Events with one, two and four consumers.

use orderflow_domain::{
    CustomerId, Email, Event, EventData, InventoryReleased, InventoryReserved, Money, OrderEnded, OrderId,
    Timestamp,
};
use orderflow_messaging::Publisher;

/// The batch size of the relays.
const CHUNK: usize = 100;

fn event(data: EventData) -> Event {
    Event::new(data, "", Timestamp::now(), None)
}

/// Returns an `inventory.released`, which only `order-tracker` receives.
pub(super) fn released() -> Event {
    event(EventData::InventoryReleased(InventoryReleased { order_id: OrderId::generate(), items: vec![] }))
}

/// Returns this many events [`released`].
pub(super) fn many_released(count: usize) -> Vec<Event> {
    (0..count).map(|_| released()).collect()
}

/// Returns an `inventory.reserved`, which `order-tracker` and `payment` receive.
pub(super) fn reserved() -> Event {
    let data = InventoryReserved { order_id: OrderId::generate(), total: total(), payment_token: None };
    event(EventData::InventoryReserved(data))
}

/// Returns an `order.cancelled`, which `inventory-reserve`, `payment`, `notification` and `analytics` receive.
pub(super) fn cancelled() -> Event {
    event(EventData::OrderCancelled(OrderEnded {
        order_id: OrderId::generate(),
        customer_id: CustomerId::parse("C100").expect("the customer id is valid"),
        email: Email::parse("c100@example.com").expect("the address is valid"),
        phone: None,
        total: total(),
        reason: None,
        items: vec![],
        placed_at: None,
    }))
}

fn total() -> Money {
    Money {
        amount: 1_000,
        currency: orderflow_domain::Currency::parse("USD").expect("the currency is valid"),
    }
}

/// Publishes events.
///
/// # Panics
/// An event is not published.
pub(super) async fn publish(publisher: &dyn Publisher, events: &[Event]) {
    for chunk in events.chunks(CHUNK) {
        for result in publisher.publish(chunk).await {
            assert_eq!(result, Ok(()));
        }
    }
}

/// Publishes events as a relay does: publishes each event again until the publisher confirms it.
pub(super) async fn publish_until_confirmed(publisher: &dyn Publisher, events: &[Event]) {
    for chunk in events.chunks(CHUNK) {
        let mut left = chunk.to_vec();
        while !left.is_empty() {
            let results = publisher.publish(&left).await;
            left = left
                .into_iter()
                .zip(results)
                .filter_map(|(event, result)| result.err().and(Some(event)))
                .collect();
        }
    }
}
