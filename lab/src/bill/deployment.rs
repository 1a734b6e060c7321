//! The AWS deployment on this machine: the functions of template.yaml over an embedded store, called with the batches that their triggers would make.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;
use orderflow_analytics::{ANALYTICS, AnalyticsConsumer};
use orderflow_bridge::{RUNTIME, RuntimeTable, stream_event};
use orderflow_catalog::{CATALOG, Catalog, CatalogSettings};
use orderflow_domain::{ChargeRules, Currency, Event, Timestamp};
use orderflow_inventory::{INVENTORY, InventoryConsumer, InventorySettings};
use orderflow_messaging::{
    AttemptHistory, Consumer, PublishError, Publisher, QueueFunction, QueueResponse, RecordBatch,
    RetryPolicy, SUBSCRIPTIONS,
};
use orderflow_notifications::{NOTIFICATIONS, NotificationConsumer, Providers, Templates};
use orderflow_orders::{ORDERS, OrderTracker};
use orderflow_outbox_relay::{EVENT_SOURCES, Relay};
use orderflow_payments::{
    FaultSwitch, PAYMENTS, PaymentConsumer, PaymentGateway, SimulatedGateway, SimulatedSettings,
};
use orderflow_store::{Backend, DEFAULT_PREFIX, OUTBOX, Store, StreamReader, StreamRecord, TableDefinition};
use tower::ServiceExt;

use super::error::BillError;
use super::logs::LogBytes;
use super::meter::Meter;
use super::usage::{Usage, payload_units};

/// The most messages of one request to SNS or SQS (AWS limit).
const MESSAGES_MAX: usize = 10;

/// The tables of the deployment.
static TABLES: [&TableDefinition; 7] =
    [&ORDERS, &CATALOG, &INVENTORY, &PAYMENTS, &NOTIFICATIONS, &ANALYTICS, &RUNTIME];

type Call = std::pin::Pin<Box<dyn Future<Output = Result<Vec<u8>, BillError>> + Send>>;

/// The function of a consumer.
type Function = Box<dyn Fn(Vec<u8>) -> Call>;

/// A table's stream, and the records that are not yet relayed.
struct Stream {
    table: String,
    reader: Box<dyn StreamReader>,
    waiting: VecDeque<StreamRecord>,
}

/// The functions, the tables, and what they used so far.
pub(super) struct Deployment {
    meter: Arc<Meter>,
    intake: Router,
    shop: Router,
    relay: Relay,
    topic: Arc<Topic>,
    functions: BTreeMap<&'static str, Function>,
    streams: Vec<Stream>,
    queues: BTreeMap<&'static str, VecDeque<String>>,
    /// The number of messages or records in each batch.
    fill: usize,
    usage: Usage,
    logged: LogBytes,
}

/// The topic: keeps what is published.
#[derive(Default)]
struct Topic(Mutex<Vec<Event>>);

impl Topic {
    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Publisher for Topic {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        self.events().extend_from_slice(events);
        vec![Ok(()); events.len()]
    }
}

fn function<C: Consumer>(consumer: C) -> (&'static str, Function) {
    let name = consumer.name();
    let function = Arc::new(QueueFunction::new(consumer, RetryPolicy::default()));
    let call = move |payload: Vec<u8>| -> Call {
        let function = Arc::clone(&function);
        Box::pin(async move { Ok(function.invoke(&payload, None).await?) })
    };
    (name, Box::new(call))
}

impl Deployment {
    /// Creates the tables in this backend, and the functions over them.
    pub(super) async fn open(
        backend: Arc<dyn Backend>,
        fill: usize,
        logged: LogBytes,
    ) -> Result<Self, BillError> {
        let meter = Arc::new(Meter::new(backend));
        let store = Store::new(meter.clone(), DEFAULT_PREFIX);
        store.create_missing_tables(&TABLES).await?;
        // However long the measurement takes, it counts the same.
        let catalog = Catalog::new(&store, &CatalogSettings { cache_ttl: Duration::from_secs(3_600) });
        let (currency, rules) =
            (Currency::parse("USD").expect("it is three letters"), ChargeRules::default());
        let gateway: Arc<dyn PaymentGateway> =
            Arc::new(SimulatedGateway::new(&store, SimulatedSettings::default(), FaultSwitch::default()));
        let templates = Arc::new(Templates::built_in());
        let notification =
            NotificationConsumer::new(&store, Arc::new(Providers::default()), Arc::clone(&templates));
        let topic = Arc::<Topic>::default();
        let dead_letters = Arc::new(RuntimeTable::new(&store).dead_letter_queue());
        let mut streams = Vec::new();
        for definition in TABLES.iter().filter(|definition| definition.streams) {
            let table = store.table_name(definition);
            let reader = meter.open_stream(&table, Vec::new()).await?;
            streams.push(Stream { table, reader, waiting: VecDeque::new() });
        }
        Ok(Self {
            intake: orderflow_orders::router(&store, catalog.clone(), rules).into(),
            shop: orderflow_shop_api::router(
                &store,
                catalog,
                currency,
                rules,
                Arc::clone(&gateway),
                templates,
            )
            .into(),
            relay: Relay::new(&store, EVENT_SOURCES, topic.clone(), dead_letters),
            functions: [
                function(OrderTracker::new(&store)),
                function(InventoryConsumer::new(&store, InventorySettings::default())),
                function(PaymentConsumer::new(&store, gateway)),
                function(notification),
                function(AnalyticsConsumer::new(&store)),
            ]
            .into(),
            meter,
            topic,
            streams,
            queues: BTreeMap::new(),
            fill,
            usage: Usage::default(),
            logged,
        })
    }

    /// Adds a product, and has everything done that follows from it.
    pub(super) async fn add_product(&mut self, body: String) -> Result<(), BillError> {
        send(&self.shop, Method::POST, "/api/v1/products", body).await?;
        self.finish().await
    }

    /// Places orders one after the other, and has them processed.
    pub(super) async fn process(&mut self, bodies: Vec<String>) -> Result<(), BillError> {
        for body in bodies {
            let call = send(&self.intake, Method::POST, "/api/v1/orders", body);
            let started = Instant::now();
            call.await?;
            self.called("order-intake", started.elapsed());
            self.usage.http_calls += 1;
        }
        self.finish().await
    }

    /// Returns the number of orders in a status.
    pub(super) async fn orders_in(&self, status: &str) -> Result<usize, BillError> {
        let (mut count, mut cursor) = (0, String::new());
        loop {
            let path = format!("/api/v1/orders?limit=100&status={status}{cursor}");
            let page = send(&self.intake, Method::GET, &path, String::new()).await?;
            let page: serde_json::Value = serde_json::from_str(&page)?;
            count += page["orders"].as_array().map_or(0, Vec::len);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(count),
            }
        }
    }

    /// Returns what was used since the last call.
    pub(super) fn take_usage(&mut self) -> Usage {
        let metered = self.meter.take();
        self.usage.add_metered(metered);
        std::mem::take(&mut self.usage)
    }

    /// Relays and consumes until nothing is left to do.
    async fn finish(&mut self) -> Result<(), BillError> {
        loop {
            let relayed = self.relay_all().await?;
            let mut consumed = 0;
            for row in SUBSCRIPTIONS {
                consumed += self.consume_all(row.consumer).await?;
            }
            if relayed + consumed == 0 {
                return Ok(());
            }
        }
    }

    /// Invokes the relay with the records of each stream that have events: the filter of the trigger leaves out the others.
    async fn relay_all(&mut self) -> Result<usize, BillError> {
        for stream in &mut self.streams {
            for batch in stream.reader.read().await? {
                let has_events = |record: &StreamRecord| {
                    record.image.as_ref().is_some_and(|image| image.contains_key(OUTBOX))
                };
                stream.waiting.extend(batch.records.into_iter().filter(has_events));
            }
        }
        let mut relayed = 0;
        for index in 0..self.streams.len() {
            while !self.streams[index].waiting.is_empty() {
                let stream = &mut self.streams[index];
                let batch: Vec<StreamRecord> =
                    stream.waiting.drain(..self.fill.min(stream.waiting.len())).collect();
                relayed += batch.len();
                let event = stream_event(&stream.table, &batch);
                let started = Instant::now();
                self.relay.handle(event).await?;
                let took = started.elapsed();
                let requests = self.publish();
                self.called_with("outbox-relay", took, requests);
            }
        }
        Ok(relayed)
    }

    /// Puts what the relay has published into the queues. Returns the number of requests to SNS.
    fn publish(&mut self) -> u64 {
        let events = std::mem::take(&mut *self.topic.events());
        let mut requests = 0;
        for batch in events.chunks(MESSAGES_MAX) {
            let bodies: Vec<String> = batch.iter().map(Event::to_json).collect();
            requests += 1;
            self.usage.sns_requests += payload_units(bodies.iter().map(String::len).sum());
            for (event, body) in batch.iter().zip(bodies) {
                for row in SUBSCRIPTIONS.iter().filter(|row| row.types.contains(&event.event_type())) {
                    self.usage.sns_deliveries += payload_units(body.len());
                    self.queues.entry(row.consumer).or_default().push_back(body.clone());
                }
            }
        }
        requests
    }

    /// Invokes a consumer with what its queue holds, as its trigger does: it receives and deletes up to ten messages with a request.
    async fn consume_all(&mut self, consumer: &'static str) -> Result<usize, BillError> {
        let mut consumed = 0;
        loop {
            let queue = self.queues.entry(consumer).or_default();
            let batch: Vec<String> = queue.drain(..self.fill.min(queue.len())).collect();
            if batch.is_empty() {
                return Ok(consumed);
            }
            for received in batch.chunks(MESSAGES_MAX) {
                self.usage.sqs_requests += payload_units(received.iter().map(String::len).sum()) + 1;
            }
            let history = || AttemptHistory { attempts: 0, first_at: Timestamp::now() };
            let records = RecordBatch::new("aws:sqs", batch.iter().map(|body| (body.as_str(), history())));
            let payload = serde_json::to_vec(&records)?;
            let started = Instant::now();
            let response = self.functions[consumer](payload).await?;
            self.called(consumer, started.elapsed());
            let response: QueueResponse = serde_json::from_slice(&response)?;
            if !response.failures.is_empty() {
                return Err(BillError::NotProcessed { consumer, count: response.failures.len() });
            }
            consumed += batch.len();
        }
    }

    fn called(&mut self, function: &'static str, took: Duration) {
        self.called_with(function, took, 0);
    }

    /// Counts a call of a function, which made these requests besides those to its tables.
    fn called_with(&mut self, function: &'static str, took: Duration, requests: u64) {
        self.logged.count_metrics();
        let metered = self.meter.take();
        // What the tables do is no time of the function: it waits for it as long as the price file says.
        let own = took.saturating_sub(metered.time);
        self.usage.called(function, own, metered.requests + requests);
        self.usage.add_metered(metered);
    }
}

/// Sends a request to routes. Returns the body of the response.
async fn send(router: &Router, method: Method, path: &str, body: String) -> Result<String, BillError> {
    let request =
        Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let answered = router.clone().oneshot(request.body(Body::from(body))?).await;
    let response = answered.unwrap_or_else(|never| match never {});
    let status = response.status();
    let text = String::from_utf8_lossy(&response.into_body().collect().await?.to_bytes()).into_owned();
    if !status.is_success() {
        return Err(BillError::Answer { path: path.to_owned(), status: status.as_u16(), text });
    }
    Ok(text)
}
