//! The analytics service under test: its consumer and its routes over a store in memory, and events for it.

use orderflow_analytics::{ANALYTICS, AnalyticsConsumer};
use orderflow_domain::{Event, EventData, OrderId, Timestamp};
use orderflow_messaging::Outcome;
use orderflow_store::Write;
use orderflow_testing::samples::{order_ended, order_ids, order_placed, usd};
use orderflow_testing::service::{RouterClient, ServiceHarness, deliver, deliver_all};
use serde_json::{Value, json};

pub(crate) struct AnalyticsHarness {
    pub(crate) service: ServiceHarness,
    pub(crate) consumer: AnalyticsConsumer,
}

impl AnalyticsHarness {
    pub(crate) async fn open() -> Self {
        let service = ServiceHarness::open(&[&ANALYTICS]).await;
        let consumer = AnalyticsConsumer::new(&service.store);
        Self { service, consumer }
    }

    pub(crate) async fn deliver(&self, events: &[Event]) -> Vec<Outcome> {
        deliver(&self.consumer, events).await
    }

    /// Delivers events, and asserts that each is acknowledged.
    pub(crate) async fn deliver_all(&self, events: &[Event]) {
        deliver_all(&self.consumer, events).await;
    }

    /// Stores counters of SKUs with these numbers in a shard.
    pub(crate) async fn add_counters(&self, shard: &str, numbers: std::ops::Range<usize>) {
        let store = &self.service.store;
        for number in numbers {
            let (pk, sk) = (shard, format!("sku#N{number:05}"));
            let item = json!({"pk": pk, "sk": sk, "updated_at": at("10:00:00"), "quantity": 1});
            store.write(Write::put(&store.table(&ANALYTICS), &item).unwrap()).await.unwrap();
        }
    }

    /// Creates routes with an empty cache.
    pub(crate) fn client(&self) -> RouterClient {
        RouterClient::new(orderflow_analytics::router(&self.service.store, usd(0).currency))
    }

    /// Sends a request to routes with an empty cache.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.client().get(path).await
    }

    pub(crate) async fn summary(&self) -> Value {
        let (status, summary) = self.get("/api/v1/analytics/summary").await;
        assert_eq!(status, 200, "{summary}");
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

/// Returns a time of the test day, 2026-11-20.
pub(crate) fn at(time: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-20T{time}Z")).unwrap()
}

pub(crate) fn confirmed(order_id: OrderId, items: &[(&str, i64)], time: Timestamp) -> Event {
    Event::new(EventData::OrderConfirmed(order_ended(order_id, items)), "", time, None)
}

pub(crate) fn rejected(order_id: OrderId, time: Timestamp) -> Event {
    Event::new(EventData::OrderRejected(order_ended(order_id, &[("A", 1)])), "", time, None)
}

pub(crate) fn cancelled(order_id: OrderId, time: Timestamp) -> Event {
    Event::new(EventData::OrderCancelled(order_ended(order_id, &[("A", 1)])), "", time, None)
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
        std::iter::once(order_placed(order, &items, begin)).chain(ending)
    };
    order_ids(count).into_iter().enumerate().flat_map(history).collect()
}
