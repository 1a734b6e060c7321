//! An example of each event type.

use orderflow_domain::{
    Currency, CustomerId, Email, Event, EventData, EventType, InventoryRejected, InventoryReleased,
    InventoryReserved, Money, NotificationRequested, OrderEnded, OrderId, OrderLine, OrderPlaced,
    OrderUnknown, PaymentOutcome, PaymentToken, ProductChanged, Quantities, Quantity, Recipient,
    RejectionReason, Shortage, Sku, StockAdjusted, Timestamp,
};
use serde_json::{Map, Value};
use uuid::Uuid;

const VALID: &str = "the examples are valid";

/// Returns an example of this event type.
pub(crate) fn example(event_type: EventType) -> Event {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    Event::new(data(event_type), "", time(), Some(trace.to_owned()))
}

fn time() -> Timestamp {
    Timestamp::parse("2026-01-31T12:00:00Z").expect(VALID)
}

fn data(event_type: EventType) -> EventData {
    match event_type {
        EventType::OrderPlaced => EventData::OrderPlaced(OrderPlaced {
            order_id: order_id(),
            customer_id: customer_id(),
            email: email(),
            phone: None,
            items: lines(),
            total: total(),
            payment_token: Some(PaymentToken::parse("tok_visa").expect(VALID)),
            placed_at: Some(time()),
        }),
        EventType::OrderConfirmed => EventData::OrderConfirmed(ended(None)),
        EventType::OrderRejected => EventData::OrderRejected(ended(Some("out_of_stock"))),
        EventType::OrderCancelled => EventData::OrderCancelled(ended(Some("customer"))),
        EventType::OrderUnknown => {
            EventData::OrderUnknown(OrderUnknown { order_id: order_id(), total: total() })
        }
        EventType::InventoryReserved => EventData::InventoryReserved(InventoryReserved {
            order_id: order_id(),
            total: total(),
            payment_token: Some(PaymentToken::parse("tok_visa").expect(VALID)),
        }),
        EventType::InventoryRejected => EventData::InventoryRejected(InventoryRejected {
            order_id: order_id(),
            reason: RejectionReason::OutOfStock,
            shortages: vec![Shortage { sku: sku(), requested: 2, available: 1 }],
        }),
        EventType::InventoryReleased => EventData::InventoryReleased(InventoryReleased {
            order_id: order_id(),
            items: vec![Quantities { sku: sku(), quantity: 2 }],
        }),
        EventType::PaymentCompleted => EventData::PaymentCompleted(payment(None)),
        EventType::PaymentFailed => EventData::PaymentFailed(payment(Some("card_declined"))),
        EventType::PaymentVoided => EventData::PaymentVoided(payment(Some("out_of_stock"))),
        EventType::PaymentRefunded => {
            EventData::PaymentRefunded(PaymentOutcome { email: Some(email()), ..payment(Some("customer")) })
        }
        EventType::ProductCreated => {
            EventData::ProductCreated(ProductChanged { stock: Some(100), ..product() })
        }
        EventType::ProductUpdated => EventData::ProductUpdated(product()),
        EventType::ProductRemoved => EventData::ProductRemoved(product()),
        EventType::NotificationRequested => EventData::NotificationRequested(NotificationRequested {
            notification_id: Uuid::from_u128(0x0190_163d_8694_739b_aea5_966c_26f8_ad92),
            recipient: Recipient::Email(email()),
            template: "order_refunded".to_owned(),
            variables: variables(),
        }),
        EventType::StockAdjusted => {
            EventData::StockAdjusted(StockAdjusted { sku: sku(), available: 97, reserved: 2, change: -1 })
        }
    }
}

fn ended(reason: Option<&str>) -> OrderEnded {
    OrderEnded {
        order_id: order_id(),
        customer_id: customer_id(),
        email: email(),
        phone: None,
        total: total(),
        reason: reason.map(str::to_owned),
        items: lines(),
        placed_at: Some(time()),
    }
}

fn payment(reason: Option<&str>) -> PaymentOutcome {
    let Money { amount, currency } = total();
    let provider_id = Some("pi_1".to_owned());
    let reason = reason.map(str::to_owned);
    PaymentOutcome { order_id: order_id(), amount, currency, provider_id, reason, email: None, phone: None }
}

fn product() -> ProductChanged {
    ProductChanged { sku: sku(), name: name(), price: usd(1_999), stock: None }
}

fn variables() -> Map<String, Value> {
    let named = [("orderId", order_id().to_string()), ("total", "39.98 USD".to_owned())];
    named.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn lines() -> Vec<OrderLine> {
    let quantity = Quantity::new(2).expect(VALID);
    vec![OrderLine { sku: sku(), name: name(), quantity, unit_price: 1_999 }]
}

fn order_id() -> OrderId {
    OrderId::parse("0190163d-8694-739b-aea5-966c26f8ad91").expect(VALID)
}

fn customer_id() -> CustomerId {
    CustomerId::parse("C100").expect(VALID)
}

fn email() -> Email {
    Email::parse("c100@example.com").expect(VALID)
}

fn sku() -> Sku {
    Sku::parse("TSHIRT-BLK-M").expect(VALID)
}

fn name() -> String {
    "T-shirt black, M".to_owned()
}

fn total() -> Money {
    usd(3_998)
}

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::parse("USD").expect(VALID) }
}
