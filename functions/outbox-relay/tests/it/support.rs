//! A catalog with its stream, a publisher and a dead-letter queue that record what they get.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_bridge::stream_event;
use orderflow_catalog::{CATALOG, Catalog, CatalogSettings, CatalogWriter, NewProduct};
use orderflow_domain::Event;
use orderflow_messaging::{DeadLetter, DeadLetterError, DeadLetterQueue, PublishError, Publisher};
use orderflow_outbox_relay::{EVENT_SOURCES, Relay};
use orderflow_store::{OUTBOX, Outbox, Write};
use orderflow_testing::samples::{UNIT_PRICE, sku, usd};
use orderflow_testing::service::ServiceHarness;
use serde::Serialize;

/// A publisher that records events and refuses those with a subject in `refuses`.
#[derive(Default)]
pub(crate) struct RecordingPublisher {
    published: Mutex<Vec<Event>>,
    pub(crate) refuses: Mutex<Vec<String>>,
}

#[async_trait]
impl Publisher for RecordingPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        let refuses = self.refuses.lock().unwrap().clone();
        let publish = |event: &Event| {
            if refuses.contains(&event.data.subject()) {
                return Err(PublishError("the topic is gone".to_owned()));
            }
            self.published.lock().unwrap().push(event.clone());
            Ok(())
        };
        events.iter().map(publish).collect()
    }
}

impl RecordingPublisher {
    /// Returns type and subject of each published event, in order.
    pub(crate) fn published(&self) -> Vec<String> {
        let published = self.published.lock().unwrap();
        published.iter().map(|event| format!("{} {}", event.event_type(), event.data.subject())).collect()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.published.lock().unwrap().iter().map(|event| event.id.to_string()).collect()
    }
}

#[derive(Default)]
pub(crate) struct RecordingDeadLetters {
    pub(crate) letters: Mutex<Vec<DeadLetter>>,
    pub(crate) is_full: Mutex<bool>,
}

#[async_trait]
impl DeadLetterQueue for RecordingDeadLetters {
    async fn put(&self, letter: DeadLetter) -> Result<(), DeadLetterError> {
        if *self.is_full.lock().unwrap() {
            return Err(DeadLetterError("the queue is gone".to_owned()));
        }
        self.letters.lock().unwrap().push(letter);
        Ok(())
    }
}

/// An item that is not a product.
#[derive(Serialize)]
struct Broken<'a> {
    sku: &'a str,
    outbox: Option<&'a str>,
}

pub(crate) struct Shop {
    service: ServiceHarness,
    pub(crate) publisher: Arc<RecordingPublisher>,
    pub(crate) dead_letters: Arc<RecordingDeadLetters>,
    pub(crate) relay: Relay,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let service = ServiceHarness::open(&[&CATALOG]).await;
        let (publisher, dead_letters) =
            (Arc::new(RecordingPublisher::default()), Arc::new(RecordingDeadLetters::default()));
        let relay = Relay::new(&service.store, EVENT_SOURCES, publisher.clone(), dead_letters.clone());
        Self { service, publisher, dead_letters, relay }
    }

    pub(crate) async fn sell(&self, text: &str) {
        let (name, price) = (text.to_owned(), usd(UNIT_PRICE));
        let product = NewProduct { sku: sku(text), name, price, stock: 1 };
        let catalog = Catalog::new(&self.service.store, &CatalogSettings::default());
        CatalogWriter::new(&self.service.store, catalog).create_if_absent(product).await.unwrap();
    }

    /// Writes an item that is not a product.
    pub(crate) async fn break_item(&self, sku: &str, outbox: Option<&str>) {
        let write = Write::put(&self.service.store.table(&CATALOG), &Broken { sku, outbox }).unwrap();
        self.service.store.write(write).await.unwrap();
    }

    /// Removes the outbox of an item, as each write without events does.
    pub(crate) async fn touch(&self, sku: &str) {
        let table = self.service.store.table(&CATALOG);
        let write = Write::update(&table, table.key(sku)).emitting(&Outbox::default());
        self.service.store.write(write).await.unwrap();
    }

    pub(crate) async fn delete(&self, sku: &str) {
        let table = self.service.store.table(&CATALOG);
        self.service.store.write(Write::delete(&table, table.key(sku))).await.unwrap();
    }

    /// Returns all records of the stream as one batch.
    pub(crate) async fn batch(&self) -> StreamEvent {
        let table = self.service.store.table_name(&CATALOG);
        let mut reader = self.service.store.backend().open_stream(&table, Vec::new()).await.unwrap();
        let mut all = StreamEvent::default();
        loop {
            let batches = reader.read().await.unwrap();
            if batches.is_empty() {
                return all;
            }
            all.records
                .extend(batches.into_iter().flat_map(|batch| stream_event(&table, &batch.records).records));
        }
    }

    /// Returns the reasons of the dead letters.
    pub(crate) fn dead_lettered(&self) -> Vec<String> {
        self.dead_letters.letters.lock().unwrap().iter().map(|letter| letter.reason.clone()).collect()
    }
}

/// The attribute of the outbox.
pub(crate) const OUTBOX_NAME: &str = OUTBOX;
