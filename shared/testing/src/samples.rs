//! Values and events for tests of services: one customer, products at one price, orders of them. Every unit costs 1 USD.

use orderflow_domain::{
    Currency, CustomerId, Email, Event, EventData, Money, OrderEnded, OrderId, OrderLine, OrderPlaced,
    ProductChanged, Quantity, Sku, Timestamp,
};

/// The price of one unit, in cents.
pub const UNIT_PRICE: i64 = 100;

/// The name that every product has.
pub const PRODUCT_NAME: &str = "A thing";

/// Returns an amount of US dollars.
#[must_use]
pub fn usd(cents: i64) -> Money {
    Money { amount: cents, currency: Currency::parse("USD").expect("it is a currency") }
}

/// Returns a sku.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn sku(text: &str) -> Sku {
    Sku::parse(text).expect("it is a sku")
}

/// Returns the customer who places every order.
#[must_use]
pub fn customer_id() -> CustomerId {
    CustomerId::parse("C100").expect("it is a customer's id")
}

/// Returns the customer's address.
#[must_use]
pub fn email() -> Email {
    Email::parse("c100@example.com").expect("it is an address")
}

/// Returns new order ids.
#[must_use]
pub fn order_ids(count: usize) -> Vec<OrderId> {
    (0..count).map(|_| OrderId::generate()).collect()
}

/// Returns lines of an order from skus and quantities.
///
/// # Panics
/// When a sku or a quantity is not valid.
#[must_use]
pub fn lines(items: &[(&str, i64)]) -> Vec<OrderLine> {
    let line = |(text, quantity): &(&str, i64)| OrderLine {
        sku: sku(text),
        name: PRODUCT_NAME.to_owned(),
        quantity: Quantity::new(*quantity).expect("it is a quantity"),
        unit_price: UNIT_PRICE,
    };
    items.iter().map(line).collect()
}

/// Returns the total of an order from skus and quantities.
#[must_use]
pub fn total(items: &[(&str, i64)]) -> Money {
    usd(items.iter().map(|(_, quantity)| quantity * UNIT_PRICE).sum())
}

/// Returns `order.placed` at `time`, without telephone, payment token and trace.
#[must_use]
pub fn order_placed(order_id: OrderId, items: &[(&str, i64)], time: Timestamp) -> Event {
    let data = OrderPlaced {
        order_id,
        customer_id: customer_id(),
        email: email(),
        phone: None,
        items: lines(items),
        total: total(items),
        payment_token: None,
        placed_at: None,
    };
    Event::new(EventData::OrderPlaced(data), "", time, None)
}

/// Returns the data of `order.confirmed`, `order.rejected` and `order.cancelled`, without telephone and reason.
#[must_use]
pub fn order_ended(order_id: OrderId, items: &[(&str, i64)]) -> OrderEnded {
    OrderEnded {
        order_id,
        customer_id: customer_id(),
        email: email(),
        phone: None,
        total: total(items),
        reason: None,
        items: lines(items),
        placed_at: None,
    }
}

/// Returns `product.created` with the product's first stock.
#[must_use]
pub fn product_created(text: &str, stock: i64) -> Event {
    let data = ProductChanged {
        sku: sku(text),
        name: PRODUCT_NAME.to_owned(),
        price: usd(UNIT_PRICE),
        stock: Some(stock),
    };
    Event::new(EventData::ProductCreated(data), "version 1", Timestamp::now(), None)
}

/// Returns an event as it is resent for a stuck order, for the `resend`th time.
#[must_use]
pub fn resent(event: &Event, resend: u32) -> Event {
    Event::resent(event.data.clone(), resend, event.time, event.traceparent.clone())
}
