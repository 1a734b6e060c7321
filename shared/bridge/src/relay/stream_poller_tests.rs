use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use orderflow_domain::{EventType, Timestamp};
use orderflow_embedded::Embedded;
use orderflow_store::{Outbox, Store, TableDefinition, Write};
use serde::Serialize;

use super::*;
use crate::{Backlog, RUNTIME};

static EMITTING: TableDefinition =
    TableDefinition { name: "emitting", hash: "id", range: None, indexes: &[], streams: true };

/// A relay that fails while the flag is set.
#[derive(Default)]
struct Relay(AtomicBool);

#[async_trait]
impl StreamTarget for Relay {
    async fn invoke(&self, _batch: StreamEvent) -> Result<(), TargetError> {
        match self.0.load(Ordering::SeqCst) {
            true => Err(TargetError::Unreachable("the test makes the relay fail".to_owned())),
            false => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Item {
    id: &'static str,
}

async fn write(store: &Store, id: &'static str) {
    store.write(put(store, id)).await.unwrap();
}

async fn write_emitting(store: &Store, id: &'static str) {
    store.write(put(store, id).emitting(&Outbox::of(EventType::OrderPlaced))).await.unwrap();
}

fn put(store: &Store, id: &'static str) -> Write {
    Write::put(&store.table(&EMITTING), &Item { id }).unwrap()
}

#[tokio::test]
async fn the_backlog_counts_events_that_cannot_be_published() {
    let embedded = Embedded::in_memory().unwrap();
    let store = Store::new(embedded.backend(), "test");
    store.create_missing_tables(&[&RUNTIME, &EMITTING]).await.unwrap();
    let (runtime, table, relay) =
        (RuntimeTable::new(&store), store.table_name(&EMITTING), Arc::new(Relay::default()));
    let tracker = Arc::new(NothingInFlight);
    let mut stream_poller = StreamPoller::open(runtime, &table, relay.clone(), tracker).await.unwrap();
    let status = stream_poller.status();
    assert_eq!(status.backlog(), Backlog::default());

    relay.0.store(true, Ordering::SeqCst);
    let before = Timestamp::now();
    write_emitting(&store, "a").await;
    write(&store, "b").await;
    assert!(stream_poller.poll_once().await.is_err());
    assert_eq!(status.backlog().writes, 1);
    write_emitting(&store, "c").await;
    assert!(stream_poller.poll_once().await.is_err());
    let backlog = status.backlog();
    assert_eq!(backlog.writes, 2, "the poller keeps reading");
    let oldest = backlog.oldest.unwrap();
    assert!(before.since(oldest) < Duration::from_secs(2) && oldest <= Timestamp::now(), "{oldest}");

    relay.0.store(false, Ordering::SeqCst);
    assert_eq!(stream_poller.poll_once().await.unwrap(), 3);
    assert_eq!(status.backlog(), Backlog::default());
}
