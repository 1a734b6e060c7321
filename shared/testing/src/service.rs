//! One service under test: an empty store in memory, deliveries to its consumer, calls to its routes, and the events that its tables emit.
//!
//! A service's own harness holds a [`ServiceHarness`] and adds what only that service has: its consumer, its router, its records.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use futures::future::join_all;
use http_body_util::BodyExt;
use orderflow_domain::Event;
use orderflow_embedded::{Embedded, Fault, RequestCounts};
use orderflow_messaging::{Consumer, Delivery, Outcome};
use orderflow_store::{EventSource, OUTBOX, Outbox, Store, StreamRecord, TableDefinition};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

/// The attempt number of [`last_delivery`]: the last one that the retry policy of the queues allows.
const LAST_ATTEMPT: u32 = 12;

/// A service's tables in a store in memory, and everything that a test asks of that store. Clones share the store.
#[derive(Clone)]
pub struct ServiceHarness {
    /// The engine below the store: counts requests and injects faults.
    pub embedded: Embedded,
    /// The store that the service under test is given.
    pub store: Store,
}

impl ServiceHarness {
    /// Opens an empty store in memory and creates these tables.
    ///
    /// # Panics
    /// When the store cannot be opened.
    pub async fn open(tables: &[&'static TableDefinition]) -> Self {
        let embedded = Embedded::in_memory().expect("memory can be opened");
        let store = Store::new(embedded.backend(), "test");
        store.create_missing_tables(tables).await.expect("tables can be created in an empty store");
        Self { embedded, store }
    }

    /// Counts the requests that `work` makes of the store.
    pub async fn requests_of(&self, work: impl Future<Output = ()>) -> RequestCounts {
        let before = self.embedded.requests();
        work.await;
        self.embedded.requests().since(&before)
    }

    /// Injects `fault` into every request of one operation (`PutItem`, `TransactWriteItems`, ...), decided by the request's body.
    pub fn fail(&self, operation: &'static str, fault: impl FnMut(&Value) -> Option<Fault> + Send + 'static) {
        let fault = Mutex::new(fault);
        self.embedded.inject(Arc::new(move |requested: &str, body: &Value| {
            let fault = &mut *fault.lock().unwrap_or_else(PoisonError::into_inner);
            if requested == operation { fault(body) } else { None }
        }));
    }

    /// Has the store carry out the writes of items (`PutItem`, `UpdateItem`, `TransactWriteItems`) and lose its answers to them.
    pub fn lose_answers_of_writes(&self) {
        self.embedded.inject(Arc::new(|operation: &str, _: &Value| {
            ["PutItem", "UpdateItem", "TransactWriteItems"].contains(&operation).then_some(Fault::LostAnswer)
        }));
    }

    /// Has the store answer every request with status 500.
    pub fn fail_every_request(&self) {
        self.embedded.inject(Arc::new(|_: &str, _: &Value| Some(Fault::InternalServerError)));
    }

    /// Ends every injected fault.
    pub fn stop_failing(&self) {
        self.embedded.stop_injecting();
    }

    /// Reads the item under a hash key.
    ///
    /// # Panics
    /// When the item is no `T`.
    pub async fn item<T: DeserializeOwned>(&self, table: &'static TableDefinition, hash: &str) -> Option<T> {
        let table = self.store.table(table);
        table.get(table.key(hash)).await.expect("the item can be read")
    }

    /// Returns the text of an item's outbox, such as `order.placed@2`; empty when its last write emitted nothing.
    pub async fn outbox(&self, table: &'static TableDefinition, hash: &str) -> String {
        let item: Option<Value> = self.item(table, hash).await;
        item.and_then(|item| item[OUTBOX].as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Builds the first event that the last write of an item emitted, as the relay does.
    ///
    /// # Panics
    /// When that write emitted nothing, or the source cannot build the event.
    pub async fn last_event(&self, source: &EventSource, hash: &str) -> Event {
        let outbox = parsed(&self.outbox(source.table, hash).await);
        let emission = outbox.emissions().first().expect("the last write emitted an event");
        (source.build)(self.image(source.table, hash).await, emission)
            .expect("the source builds its own events")
    }

    /// Reads an item as the relay sees it in the stream.
    ///
    /// # Panics
    /// When there is no such item.
    pub async fn image(&self, table: &'static TableDefinition, hash: &str) -> serde_dynamo::Item {
        let item: Value = self.item(table, hash).await.expect("there is such an item");
        serde_dynamo::to_item(item).expect("JSON can be an item")
    }

    /// Reads every event that a table has emitted from its stream, oldest first, as the relay builds them.
    ///
    /// # Panics
    /// When the stream cannot be read, or the source cannot build an event.
    pub async fn emitted(&self, source: &EventSource) -> Vec<Event> {
        let table = self.store.table_name(source.table);
        let reader = self.store.backend().open_stream(&table, Vec::new()).await;
        let mut reader = reader.expect("the table has a stream");
        let mut events = Vec::new();
        loop {
            let batches = reader.read().await.expect("the stream can be read");
            if batches.is_empty() {
                return events;
            }
            let records = batches.iter().flat_map(|batch| &batch.records);
            events.extend(records.flat_map(|record| emitted_by(source, record)));
        }
    }
}

/// Builds the events that the write behind a stream record emitted.
fn emitted_by(source: &EventSource, record: &StreamRecord) -> Vec<Event> {
    let Some(image) = &record.image else { return Vec::new() };
    let Some(orderflow_store::Value::S(outbox)) = image.get(OUTBOX) else { return Vec::new() };
    let build =
        |emission| (source.build)(image.clone().into(), emission).expect("the source builds its own events");
    parsed(outbox).emissions().iter().map(build).collect()
}

fn parsed(outbox: &str) -> Outbox {
    outbox.parse().expect("the outbox is readable")
}

/// Makes the first delivery of an event.
#[must_use]
pub fn first_delivery(event: Event) -> Delivery {
    Delivery { first_at: event.time, event: event.into(), attempt: 1, last_attempt: false }
}

/// Makes the delivery of an event after which it is dead-lettered.
#[must_use]
pub fn last_delivery(event: Event) -> Delivery {
    Delivery { attempt: LAST_ATTEMPT, last_attempt: true, ..first_delivery(event) }
}

/// Delivers events to a consumer as one batch, each for the first time. Returns the outcome of each.
pub async fn deliver(consumer: &dyn Consumer, events: &[Event]) -> Vec<Outcome> {
    let batch: Vec<Delivery> = events.iter().cloned().map(first_delivery).collect();
    consumer.handle(&batch).await
}

/// Delivers events to a consumer as one batch.
///
/// # Panics
/// When an outcome is not [`Outcome::Done`].
pub async fn deliver_all(consumer: &dyn Consumer, events: &[Event]) {
    let outcomes = deliver(consumer, events).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
}

/// Delivers events to a consumer as a queue does: those with the outcome retry are delivered again until each is done.
///
/// # Panics
/// When an outcome is neither done nor retry.
pub async fn deliver_until_done(consumer: &dyn Consumer, mut events: Vec<Event>) {
    while !events.is_empty() {
        let outcomes = deliver(consumer, &events).await;
        let left = events.into_iter().zip(outcomes).filter(|(_, outcome)| *outcome != Outcome::Done);
        let left = left.inspect(|(_, outcome)| assert!(is_retry(outcome), "{outcome:?}"));
        events = left.map(|(event, _)| event).collect();
    }
}

/// Returns whether an outcome is a retry.
#[must_use]
pub fn is_retry(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { .. })
}

/// Runs `work` on all inputs at once, each on a task of its own: the store in memory answers without waiting, so that futures of one task
/// would run one after the other. Returns the results in the order of the inputs.
///
/// # Panics
/// When one of them panics.
pub async fn at_once<T, F>(inputs: impl IntoIterator<Item = T>, work: impl Fn(T) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let tasks: Vec<_> = inputs.into_iter().map(|input| tokio::spawn(work(input))).collect();
    join_all(tasks).await.into_iter().map(|result| result.expect("the task does not panic")).collect()
}

/// Calls the routes of a service without a network. Answers are the status and the body, which is null when it is no JSON.
#[derive(Debug, Clone)]
pub struct RouterClient {
    router: Router,
}

impl RouterClient {
    /// Calls these routes.
    pub fn new(router: impl Into<Router>) -> Self {
        Self { router: router.into() }
    }

    /// Sends a request as it is.
    ///
    /// # Panics
    /// When the body of the answer breaks off.
    pub async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("the body is complete").to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Returns the entity tag of a resource.
    ///
    /// # Panics
    /// When the answer has none.
    pub async fn etag(&self, path: &str) -> String {
        let Ok(response) = self.router.clone().oneshot(without_body(Request::get(path))).await;
        let etag = response.headers().get("etag").expect("the answer has an entity tag");
        etag.to_str().expect("entity tags are ASCII").to_owned()
    }

    /// Sends `GET`.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(without_body(Request::get(path))).await
    }

    /// Sends `DELETE`.
    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.send(without_body(Request::delete(path))).await
    }

    /// Sends `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(with_json(Request::post(path), body)).await
    }

    /// Sends `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(with_json(Request::patch(path), body)).await
    }
}

/// Completes a request that has no body.
///
/// # Panics
/// When its path or a header is not valid.
#[must_use]
pub fn without_body(request: Builder) -> Request<Body> {
    request.body(Body::empty()).expect("the request is valid")
}

/// Completes a request that has a JSON body.
///
/// # Panics
/// When its path or a header is not valid.
#[must_use]
pub fn with_json(request: Builder, body: &Value) -> Request<Body> {
    let request = request.header("content-type", "application/json");
    request.body(Body::from(body.to_string())).expect("the request is valid")
}
