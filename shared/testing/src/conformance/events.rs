//! Events of every breadth of audience.

use orderflow_domain::{
    CustomerId, Email, Event, EventData, InventoryReleased, InventoryReserved, Money, OrderEnded, OrderId,
    Timestamp,
};
use orderflow_messaging::Publisher;

/// As many as the brokers' own relays publish at a time.
const CHUNK: usize = 100;

fn event(data: EventData) -> Event {
    Event::new(data, "", Timestamp::now(), None)
}

/// `inventory.released`, of which only `order-tracker` hears.
pub(super) fn released() -> Event {
    event(EventData::InventoryReleased(InventoryReleased { order_id: OrderId::generate(), items: vec![] }))
}

/// That many times [`released`].
pub(super) fn many_released(count: usize) -> Vec<Event> {
    (0..count).map(|_| released()).collect()
}

/// `inventory.reserved`, of which `order-tracker` and `payment` hear.
pub(super) fn reserved() -> Event {
    let data = InventoryReserved { order_id: OrderId::generate(), total: total(), payment_token: None };
    event(EventData::InventoryReserved(data))
}

/// `order.cancelled`, of which `inventory-reserve`, `payment`, `notification` and `analytics` hear.
pub(super) fn cancelled() -> Event {
    event(EventData::OrderCancelled(OrderEnded {
        order_id: OrderId::generate(),
        customer_id: CustomerId::parse("C100").expect("it is a customer's id"),
        email: Email::parse("c100@example.com").expect("it is an address"),
        phone: None,
        total: total(),
        reason: None,
        items: vec![],
    }))
}

fn total() -> Money {
    Money { amount: 1_000, currency: orderflow_domain::Currency::parse("USD").expect("it is a currency") }
}

/// Publishes events.
///
/// # Panics
/// When one is not published.
pub(super) async fn publish(publisher: &dyn Publisher, events: &[Event]) {
    for chunk in events.chunks(CHUNK) {
        for result in publisher.publish(chunk).await {
            assert_eq!(result, Ok(()));
        }
    }
}

/// Publishes events as a relay does: what is not said to be published is published again.
pub(super) async fn publish_until_it_is_said(publisher: &dyn Publisher, events: &[Event]) {
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
