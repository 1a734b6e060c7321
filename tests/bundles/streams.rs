//! The tables' streams, with events as Lambda sends them.

use orderflow_bridge::stream_event;
use orderflow_store::{StreamBatch, StreamReader};
use orderflow_system::TABLES;
use serde_json::{Value, json};

use crate::world::World;

/// Readers of the streams of every table whose writes have events.
pub(crate) struct Streams(Vec<(String, Box<dyn StreamReader>)>);

impl Streams {
    pub(crate) async fn open(world: &World) -> Self {
        let mut readers = Vec::new();
        for table in TABLES.iter().filter(|table| table.streams) {
            let name = world.store.table_name(table);
            let reader = world.store.backend().open_stream(&name, Vec::new()).await.unwrap();
            readers.push((name, reader));
        }
        Self(readers)
    }

    /// Returns all writes since the last call, in a batch for each shard with records.
    pub(crate) async fn read(&mut self) -> Vec<Value> {
        let mut batches = Vec::new();
        for (table, reader) in &mut self.0 {
            let read = reader.read().await.unwrap();
            batches.extend(read.into_iter().map(|batch| lambda_event(table, &batch)));
        }
        batches
    }
}

/// Adds what Lambda adds to a batch: source, time and size of each record.
fn lambda_event(table: &str, batch: &StreamBatch) -> Value {
    let mut event = serde_json::to_value(stream_event(table, &batch.records)).unwrap();
    for (position, record) in event["Records"].as_array_mut().unwrap().iter_mut().enumerate() {
        record["awsRegion"] = json!("us-east-1");
        record["eventVersion"] = json!("1.1");
        let change = record["dynamodb"].as_object_mut().unwrap();
        change.insert("ApproximateCreationDateTime".to_owned(), seconds(position));
        change.insert("SizeBytes".to_owned(), json!(512));
        change.insert("StreamViewType".to_owned(), json!("NEW_IMAGE"));
        // Lambda omits missing members, which the library writes as empty or null.
        change.retain(|_, value| !value.is_null() && *value != json!({}));
        record.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    }
    event
}

/// Returns a time as Lambda writes it: a whole number in the documentation, but fractions occur too.
fn seconds(position: usize) -> Value {
    if position.is_multiple_of(2) { json!(1_795_176_000) } else { json!(1_795_176_000.25) }
}
