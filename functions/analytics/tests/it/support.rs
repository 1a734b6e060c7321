//! The analytics service over a store in memory, and events for it.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use orderflow_analytics::{ANALYTICS, AnalyticsConsumer};
use orderflow_domain::{
    Currency, CustomerId, Email, Event, EventData, Money, OrderEnded, OrderId, OrderLine, OrderPlaced,
    Quantity, Sku, Timestamp,
};
use orderflow_embedded::{Embedded, Location};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::{IndependentWrites, Store};
use serde_json::Value;
use tower::ServiceExt;

/// The price of each product, in minor units.
const UNIT_PRICE: i64 = 100;

pub(crate) struct Analytics {
    pub(crate) embedded: Embedded,
    pub(crate) store: Store,
    pub(crate) consumer: AnalyticsConsumer,
}

impl Analytics {
    pub(crate) async fn open() -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let store = Store::new(embedded.dynamodb(), "test", IndependentWrites::OneTransaction);
        store.create_missing_tables(&[&ANALYTICS]).await.unwrap();
        let consumer = AnalyticsConsumer::new(&store);
        Self { embedded, store, consumer }
    }

    pub(crate) async fn handle(&self, events: &[Event]) -> Vec<Outcome> {
        let batch: Vec<Delivery> = events.iter().cloned().map(delivery).collect();
        self.consumer.handle(&batch).await
    }

    /// Handles events, and asserts that each is acknowledged.
    pub(crate) async fn handle_all(&self, events: &[Event]) {
        let outcomes = self.handle(events).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
    }

    /// Sends a request to a router with an empty cache.
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        get(&orderflow_analytics::router(&self.store, usd()).into(), path).await
    }

    pub(crate) async fn summary(&self) -> Value {
        let (status, summary) = self.get("/api/v1/analytics/summary").await;
        assert_eq!(status, StatusCode::OK, "{summary}");
        summary
    }

    /// Returns the summary without `last_updated`, and the three series of the test day.
    pub(crate) async fn summary_and_series(&self) -> Value {
        let mut summary = self.summary().await;
        summary["last_updated"] = Value::Null;
        let mut all = vec![summary];
        for bucket in ["minute", "hour", "day"] {
            let (from, to) = ("2026-11-20T00:00:00Z", "2026-11-20T23:59:00Z");
            let path = format!("/api/v1/analytics/series?bucket={bucket}&from={from}&to={to}");
            all.push(self.get(&path).await.1);
        }
        Value::Array(all)
    }
}

pub(crate) async fn get(router: &axum::Router, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

pub(crate) fn is_retry(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { .. })
}

fn delivery(event: Event) -> Delivery {
    Delivery { first_at: event.time, event, attempt: 1, last_attempt: false }
}

pub(crate) fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

pub(crate) fn orders(count: usize) -> Vec<OrderId> {
    (0..count).map(|_| OrderId::generate()).collect()
}

/// Returns a time of the test day, 2026-11-20.
pub(crate) fn at(time: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-20T{time}Z")).unwrap()
}

fn lines(items: &[(&str, i64)]) -> Vec<OrderLine> {
    let line = |(sku, units): &(&str, i64)| OrderLine {
        sku: Sku::parse(sku).unwrap(),
        name: "A thing".to_owned(),
        quantity: Quantity::new(*units).unwrap(),
        unit_price: UNIT_PRICE,
    };
    items.iter().map(line).collect()
}

fn total(items: &[(&str, i64)]) -> Money {
    Money { amount: items.iter().map(|(_, units)| units * UNIT_PRICE).sum(), currency: usd() }
}

pub(crate) fn placed(order_id: OrderId, items: &[(&str, i64)], time: Timestamp) -> Event {
    let data = OrderPlaced {
        order_id,
        customer_id: CustomerId::parse("C100").unwrap(),
        email: Email::parse("c100@example.com").unwrap(),
        phone: None,
        items: lines(items),
        total: total(items),
        payment_token: None,
    };
    Event::new(EventData::OrderPlaced(data), "", time, None)
}

fn ended(order_id: OrderId, items: &[(&str, i64)]) -> OrderEnded {
    OrderEnded {
        order_id,
        customer_id: CustomerId::parse("C100").unwrap(),
        email: Email::parse("c100@example.com").unwrap(),
        phone: None,
        total: total(items),
        reason: None,
        items: lines(items),
    }
}

pub(crate) fn confirmed(order_id: OrderId, items: &[(&str, i64)], time: Timestamp) -> Event {
    Event::new(EventData::OrderConfirmed(ended(order_id, items)), "", time, None)
}

pub(crate) fn rejected(order_id: OrderId, time: Timestamp) -> Event {
    Event::new(EventData::OrderRejected(ended(order_id, &[("A", 1)])), "", time, None)
}

pub(crate) fn cancelled(order_id: OrderId, time: Timestamp) -> Event {
    Event::new(EventData::OrderCancelled(ended(order_id, &[("A", 1)])), "", time, None)
}

/// Returns the events of orders of which a fifth stays pending, a fifth is rejected, a fifth cancelled and the rest
/// confirmed.
pub(crate) fn mixed(count: usize) -> Vec<Event> {
    let history = |(number, order): (usize, OrderId)| {
        let minute = number % 60;
        let (begin, end) = (at(&format!("10:{minute:02}:00")), at(&format!("11:{minute:02}:30")));
        let items = [(["A", "B", "C"][number % 3], (number % 7 + 1) as i64), ("D", 1)];
        let ending = match number % 5 {
            0 => None,
            1 => Some(rejected(order, end)),
            2 => Some(cancelled(order, end)),
            _ => Some(confirmed(order, &items, end)),
        };
        std::iter::once(placed(order, &items, begin)).chain(ending)
    };
    orders(count).into_iter().enumerate().flat_map(history).collect()
}
