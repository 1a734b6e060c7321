//! A payment service of its own, events for it, and what it left behind.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodbstreams::types::{AttributeValue, ShardIteratorType};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use orderflow_domain::{
    Currency, CustomerId, Email, Event, EventData, InventoryReserved, Money, OrderEnded, OrderId,
    PaymentToken, Timestamp,
};
use orderflow_embedded::{Embedded, Location};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_payments::{
    EVENT_SOURCE, FaultSwitch, LedgerStatus, PAYMENTS, PaymentConsumer, PaymentGateway, PaymentStatus,
    SimulatedGateway, SimulatedSettings,
};
use orderflow_store::{IndependentWrites, OUTBOX, Outbox, Store};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What the tests look at of a payment's row.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Row {
    pub(crate) status: PaymentStatus,
    pub(crate) amount: i64,
    pub(crate) provider_id: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) version: u32,
}

pub(crate) struct Payments {
    pub(crate) embedded: Embedded,
    pub(crate) store: Store,
    pub(crate) gateway: Arc<SimulatedGateway>,
    pub(crate) fault: FaultSwitch,
    pub(crate) consumer: Arc<PaymentConsumer>,
}

impl Payments {
    pub(crate) async fn start() -> Self {
        Self::with_settings(SimulatedSettings::default()).await
    }

    pub(crate) async fn with_settings(settings: SimulatedSettings) -> Self {
        let embedded = Embedded::open(Location::Memory).unwrap();
        let writes = IndependentWrites::OneTransaction;
        let store = Store::new(embedded.dynamodb(), "test", writes);
        store.create_missing_tables(&[&PAYMENTS]).await.unwrap();
        let fault = FaultSwitch::default();
        let gateway = Arc::new(SimulatedGateway::new(&store, settings, fault.clone()));
        let consumer = Arc::new(PaymentConsumer::new(&store, gateway.clone()));
        Self { embedded, store, gateway, fault, consumer }
    }

    /// A second worker over the same store, with another way to the gateway.
    pub(crate) fn worker(&self, gateway: Arc<dyn PaymentGateway>) -> Arc<PaymentConsumer> {
        Arc::new(PaymentConsumer::new(&self.store, gateway))
    }

    pub(crate) async fn handle(&self, events: &[Event]) -> Vec<Outcome> {
        let batch: Vec<Delivery> = events.iter().cloned().map(delivery).collect();
        self.consumer.handle(&batch).await
    }

    pub(crate) async fn row(&self, order: OrderId) -> Option<Row> {
        let table = self.store.table(&PAYMENTS);
        table.get(table.key(order.to_string())).await.unwrap()
    }

    pub(crate) async fn status(&self, order: OrderId) -> Option<PaymentStatus> {
        self.row(order).await.map(|row| row.status)
    }

    pub(crate) async fn ledger(&self, order: OrderId) -> Option<LedgerStatus> {
        let entry = self.gateway.ledger(order).await.unwrap();
        entry.map(|entry| entry.status)
    }

    /// Every event that the table's stream carries, as the relay builds them.
    pub(crate) async fn emitted(&self) -> Vec<Event> {
        let streams = self.embedded.streams();
        let listed = streams.list_streams().send().await.unwrap();
        let arn = listed.streams()[0].stream_arn().unwrap();
        let described = streams.describe_stream().stream_arn(arn).send();
        let described = described.await.unwrap().stream_description.unwrap();
        let iterator = streams
            .get_shard_iterator()
            .stream_arn(arn)
            .shard_id(described.shards()[0].shard_id().unwrap())
            .shard_iterator_type(ShardIteratorType::TrimHorizon);
        let iterator = iterator.send().await.unwrap().shard_iterator.unwrap();
        let records = streams.get_records().shard_iterator(iterator).send();
        let records = records.await.unwrap().records.unwrap();
        let images = records.iter().filter_map(|record| record.dynamodb()?.new_image());
        images.flat_map(events_of).collect()
    }

    pub(crate) async fn emitted_types(&self) -> Vec<String> {
        let events = self.emitted().await;
        events
            .iter()
            .map(|event| match event.resend {
                None => event.event_type().to_string(),
                Some(resend) => format!("{}@{resend}", event.event_type()),
            })
            .collect()
    }
}

fn events_of(image: &HashMap<String, AttributeValue>) -> Vec<Event> {
    let Some(AttributeValue::S(outbox)) = image.get(OUTBOX) else {
        return Vec::new();
    };
    let outbox: Outbox = outbox.parse().unwrap();
    let item: HashMap<String, serde_dynamo::AttributeValue> = image
        .iter()
        .map(|(name, value)| {
            let value = match value {
                AttributeValue::S(text) => serde_dynamo::AttributeValue::S(text.clone()),
                AttributeValue::N(number) => serde_dynamo::AttributeValue::N(number.clone()),
                AttributeValue::Bool(flag) => serde_dynamo::AttributeValue::Bool(*flag),
                other => panic!("{name} is {other:?}"),
            };
            (name.clone(), value)
        })
        .collect();
    let build = |emission| (EVENT_SOURCE.build)(item.clone().into(), emission).unwrap();
    outbox.emissions().iter().map(build).collect()
}

/// Asks a router, without a body.
pub(crate) async fn post(router: Router, uri: &str) -> (StatusCode, Value) {
    let response = router.oneshot(Request::post(uri).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

pub(crate) fn delivery(event: Event) -> Delivery {
    Delivery { first_at: event.time, event, attempt: 1, last_attempt: false }
}

pub(crate) fn last_delivery(event: Event) -> Delivery {
    Delivery { attempt: 12, last_attempt: true, ..delivery(event) }
}

pub(crate) fn total() -> Money {
    Money { amount: 3998, currency: Currency::parse("USD").unwrap() }
}

fn event(data: EventData) -> Event {
    Event::new(data, "", Timestamp::now(), Some(TRACE.to_owned()))
}

pub(crate) fn reserved_with(order: OrderId, token: Option<&str>) -> Event {
    event(EventData::InventoryReserved(InventoryReserved {
        order_id: order,
        total: total(),
        payment_token: token.map(|token| PaymentToken::parse(token).unwrap()),
    }))
}

pub(crate) fn reserved(order: OrderId) -> Event {
    reserved_with(order, None)
}

fn ended(order: OrderId, reason: &str) -> OrderEnded {
    OrderEnded {
        order_id: order,
        customer_id: CustomerId::parse("C100").unwrap(),
        email: Email::parse("jane@example.com").unwrap(),
        phone: Some("+4930123456".parse().unwrap()),
        total: total(),
        reason: Some(reason.to_owned()),
        items: vec![],
    }
}

pub(crate) fn rejected(order: OrderId, reason: &str) -> Event {
    event(EventData::OrderRejected(ended(order, reason)))
}

pub(crate) fn cancelled(order: OrderId) -> Event {
    event(EventData::OrderCancelled(ended(order, "customer")))
}

/// The same thing told again.
pub(crate) fn again(event: &Event, resend: u32) -> Event {
    Event::resent(event.data.clone(), resend, event.time, event.traceparent.clone())
}

pub(crate) fn is_retry(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { .. })
}
