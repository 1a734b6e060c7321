//! Trimming of streams whose relay is another process.

use aws_sdk_dynamodb::types::AttributeValue;
use orderflow_bridge::RUNTIME;

use orderflow_testing::program::wait_until;

use crate::process::{PREFIX, StoreProcess, THINGS, put, table_name};

/// Returns the shard and the sequence numbers of the records left in the stream.
async fn left(process: &StoreProcess) -> (String, Vec<String>) {
    let tables = process.tables().await;
    let mut reader = tables.backend().open_stream(&table_name(), Vec::new()).await.unwrap();
    let (mut shard, mut numbers) = (String::new(), Vec::new());
    loop {
        let batches = reader.read().await.unwrap();
        if batches.is_empty() {
            return (shard, numbers);
        }
        for batch in batches {
            shard = batch.last.shard;
            numbers.extend(batch.records.into_iter().map(|record| record.sequence_number));
        }
    }
}

/// Saves a cursor, as a relay does after it has published the records up to it.
async fn save_cursor(process: &StoreProcess, shard: &str, sequence_number: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let row = process.client().await.put_item().table_name(format!("{PREFIX}-{}", RUNTIME.name));
    let row = row.item("pk", text("cursor")).item("sk", text(&table_name()));
    let row = row.item("after", text(&format!("{shard} {sequence_number}")));
    row.item("starts", AttributeValue::N("0".to_owned())).send().await.unwrap();
}

#[tokio::test]
async fn streams_are_trimmed_up_to_the_cursor() {
    let process = StoreProcess::ephemeral();
    let (tables, client) = (process.tables().await, process.client().await);
    tables.create_missing_tables(&[&THINGS]).await.unwrap();
    for number in 0..20 {
        assert!(put(&client, &format!("thing-{number}")).await);
    }
    let (shard, all) = left(&process).await;
    assert_eq!(all.len(), 20);
    tables.create_missing_tables(&[&RUNTIME]).await.unwrap();
    for published in [5, 12] {
        save_cursor(&process, &shard, &all[published - 1]).await;
        wait_until("the stream is shorter", async || left(&process).await.1.len() < 20 - published + 1).await;
        assert_eq!(left(&process).await.1, all[published..]);
    }
}

#[tokio::test]
async fn the_cursor_of_a_deleted_table_does_not_stop_the_trimming() {
    let process = StoreProcess::ephemeral();
    let (tables, client) = (process.tables().await, process.client().await);
    tables.create_missing_tables(&[&RUNTIME]).await.unwrap();
    save_cursor(&process, "shard", "1").await;
    let gone = AttributeValue::S("another-table".to_owned());
    let row = client.put_item().table_name(format!("{PREFIX}-{}", RUNTIME.name));
    let row = row.item("pk", AttributeValue::S("cursor".to_owned())).item("sk", gone);
    let row = row.item("after", AttributeValue::S("shard nonsense".to_owned()));
    row.item("starts", AttributeValue::N("0".to_owned())).send().await.unwrap();
    tables.create_missing_tables(&[&THINGS]).await.unwrap();
    assert!(put(&client, "first").await && put(&client, "second").await);
    let (shard, all) = left(&process).await;
    save_cursor(&process, &shard, &all[0]).await;
    wait_until("the stream is shorter", async || left(&process).await.1 == all[1..]).await;
}
