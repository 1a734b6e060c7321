//! Every outcome that customers are notified of: its event, and its golden texts.

use std::path::PathBuf;

use orderflow_domain::{
    ChannelKind, Email, Event, EventData, OrderEnded, OrderId, OrderLine, PaymentOutcome, Phone, Quantity,
    Timestamp,
};
use orderflow_testing::samples::{order_ended, sku, usd};

pub(crate) const EMAIL: &str = "jane@example.com";
pub(crate) const PHONE: &str = "+4930123456";

const ORDER: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

/// Returns every outcome, by the name of its golden texts.
pub(crate) fn outcomes() -> Vec<(&'static str, Event)> {
    let order = OrderId::parse(ORDER).unwrap();
    vec![
        ("order_confirmation", confirmed(order)),
        ("order_out_of_stock", rejected(order, "out_of_stock")),
        ("order_out_of_stock_unknown_product", rejected(order, "unknown_product")),
        ("order_payment_declined", rejected(order, "payment_declined")),
        ("order_cancelled", cancelled(order, "customer")),
        ("order_cancelled_expired", cancelled(order, "expired")),
        ("order_refunded", refunded(order, Some(EMAIL))),
    ]
}

/// Reads the golden text of an outcome, an e-mail with its subject line.
pub(crate) fn golden(outcome: &str, channel: ChannelKind) -> String {
    let file = format!("{outcome}.{}.txt", channel.as_str());
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", &file].iter().collect();
    std::fs::read_to_string(path).unwrap().trim_end_matches('\n').to_owned()
}

pub(crate) fn event(data: EventData) -> Event {
    Event::new(data, "", Timestamp::now(), None)
}

pub(crate) fn ended(order: OrderId, reason: Option<&str>) -> OrderEnded {
    let line = |text: &str, name: &str, quantity, unit_price| OrderLine {
        sku: sku(text),
        name: name.to_owned(),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price,
    };
    OrderEnded {
        email: Email::parse(EMAIL).unwrap(),
        phone: Some(Phone::parse(PHONE).unwrap()),
        total: usd(8998),
        reason: reason.map(str::to_owned),
        items: vec![
            line("TSHIRT-BLK-M", "T-shirt <black> & {{ soft }}", 2, 1999),
            line("PRODUCT-002", "Mouse", 2, 2500),
        ],
        ..order_ended(order, &[])
    }
}

pub(crate) fn confirmed(order: OrderId) -> Event {
    event(EventData::OrderConfirmed(ended(order, None)))
}

pub(crate) fn rejected(order: OrderId, reason: &str) -> Event {
    event(EventData::OrderRejected(ended(order, Some(reason))))
}

pub(crate) fn cancelled(order: OrderId, reason: &str) -> Event {
    event(EventData::OrderCancelled(ended(order, Some(reason))))
}

pub(crate) fn refunded(order: OrderId, email: Option<&str>) -> Event {
    event(EventData::PaymentRefunded(PaymentOutcome {
        order_id: order,
        amount: usd(8998).amount,
        currency: usd(8998).currency,
        provider_id: None,
        reason: Some("customer".to_owned()),
        email: email.map(|email| Email::parse(email).unwrap()),
        phone: Some(Phone::parse(PHONE).unwrap()),
    }))
}
