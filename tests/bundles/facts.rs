//! Requests and events of tests.

use orderflow_domain::{Event, OrderId, Timestamp};
use serde_json::{Value, json};

/// Returns the body of `POST /products`.
pub(crate) fn product_body(sku: &str, stock: i64) -> Value {
    json!({"sku": sku, "name": sku, "price": {"amount": 500, "currency": "USD"}, "stock": stock})
}

/// Returns the body of `POST /orders`.
pub(crate) fn order_body(sku: &str, quantity: i64) -> Value {
    json!({"customer_id": "C100", "email": "c100@example.com", "items": [{"sku": sku, "quantity": quantity}]})
}

pub(crate) fn product_created(sku: &str, stock: i64) -> Event {
    let data = json!({"sku": sku, "name": sku, "price": {"amount": 500, "currency": "USD"}, "stock": stock});
    event("product.created", sku, data)
}

pub(crate) fn order_placed(order_id: &str, sku: &str, quantity: i64) -> Event {
    event("order.placed", order_id, order(order_id, sku, quantity))
}

pub(crate) fn order_confirmed(order_id: &str) -> Event {
    event("order.confirmed", order_id, order(order_id, "MUG", 1))
}

pub(crate) fn inventory_reserved(order_id: &str) -> Event {
    let data = json!({"order_id": order_id, "total": {"amount": 500, "currency": "USD"}});
    event("inventory.reserved", order_id, data)
}

fn order(order_id: &str, sku: &str, quantity: i64) -> Value {
    json!({
        "order_id": order_id,
        "customer_id": "C100",
        "email": "c100@example.com",
        "items": [{"sku": sku, "name": sku, "quantity": quantity, "unit_price": 500}],
        "total": {"amount": 500 * quantity, "currency": "USD"},
    })
}

fn event(event_type: &str, subject: &str, data: Value) -> Event {
    let envelope = json!({
        "specversion": "1.0",
        "id": OrderId::generate().to_string(),
        "source": "/orderflow/tests",
        "type": event_type,
        "subject": subject,
        "time": Timestamp::now().to_string(),
        "data": data,
    });
    Event::from_json(&envelope.to_string()).unwrap()
}
