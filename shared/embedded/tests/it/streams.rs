use std::time::Duration;

use aws_sdk_dynamodbstreams::types::{OperationType, Record, ShardIteratorType};
use orderflow_embedded::{Embedded, EmbeddedError};

use crate::support::{TABLE, create, create_table, memory, put};

async fn read(embedded: &Embedded, kind: ShardIteratorType, after: Option<&str>) -> Vec<Record> {
    let streams = embedded.streams();
    let listed = streams.list_streams().table_name(TABLE).send().await.unwrap();
    let arn = listed.streams()[0].stream_arn().unwrap();
    let described = streams.describe_stream().stream_arn(arn).send().await.unwrap();
    let shard = described.stream_description().unwrap().shards()[0].shard_id().unwrap();
    let iterator = streams
        .get_shard_iterator()
        .stream_arn(arn)
        .shard_id(shard)
        .shard_iterator_type(kind)
        .set_sequence_number(after.map(str::to_owned));
    let iterator = iterator.send().await.unwrap().shard_iterator.unwrap();
    streams.get_records().shard_iterator(iterator).send().await.unwrap().records.unwrap()
}

async fn read_all(embedded: &Embedded) -> Vec<Record> {
    read(embedded, ShardIteratorType::TrimHorizon, None).await
}

async fn read_after(embedded: &Embedded, sequence: &str) -> Vec<Record> {
    read(embedded, ShardIteratorType::AfterSequenceNumber, Some(sequence)).await
}

fn sequence(record: &Record) -> String {
    record.dynamodb().unwrap().sequence_number().unwrap().to_owned()
}

fn ids(records: &[Record]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record.dynamodb().unwrap().keys().unwrap()["id"].as_s().unwrap().as_str())
        .collect()
}

async fn with_records(count: usize) -> Embedded {
    let embedded = memory().await;
    for n in 0..count {
        put(&embedded.dynamodb(), &n.to_string()).await;
    }
    embedded
}

#[tokio::test]
async fn a_stream_is_read_from_its_start_or_after_a_record() {
    let embedded = with_records(4).await;
    let all = read_all(&embedded).await;
    assert_eq!(ids(&all), ["0", "1", "2", "3"]);
    assert!(all.iter().all(|record| record.event_name() == Some(&OperationType::Insert)));
    assert!(all[0].dynamodb().unwrap().new_image().is_some());
    assert!(all.is_sorted_by_key(sequence));
    assert_eq!(ids(&read_after(&embedded, &sequence(&all[1])).await), ["2", "3"]);
}

#[tokio::test]
async fn reading_after_the_newest_record_returns_only_later_ones() {
    let embedded = with_records(2).await;
    let newest = sequence(&read_all(&embedded).await[1]);
    assert!(read_after(&embedded, &newest).await.is_empty());
    put(&embedded.dynamodb(), "later").await;
    assert_eq!(ids(&read_after(&embedded, &newest).await), ["later"]);
}

#[tokio::test]
async fn reading_after_a_trimmed_record_returns_the_records_after_it() {
    let embedded = with_records(4).await;
    let all = read_all(&embedded).await;
    assert_eq!(embedded.trim_stream(TABLE, &sequence(&all[1])).unwrap(), 2);
    assert_eq!(ids(&read_after(&embedded, &sequence(&all[0])).await), ["2", "3"]);
    assert_eq!(ids(&read_after(&embedded, &sequence(&all[1])).await), ["2", "3"]);
    assert_eq!(ids(&read_all(&embedded).await), ["2", "3"]);
}

#[tokio::test]
async fn trimming_everything_keeps_the_newest_record_and_the_numbering() {
    let embedded = with_records(3).await;
    let newest = sequence(&read_all(&embedded).await[2]);
    assert_eq!(embedded.trim_stream(TABLE, &newest).unwrap(), 2);
    assert_eq!(embedded.trim_stream(TABLE, &newest).unwrap(), 0);
    assert_eq!(ids(&read_all(&embedded).await), ["2"]);
    put(&embedded.dynamodb(), "next").await;
    let next = read_after(&embedded, &newest).await;
    assert_eq!(ids(&next), ["next"]);
    assert!(sequence(&next[0]) > newest);
}

#[tokio::test]
async fn trimming_deletes_several_batches_and_no_records_of_other_tables() {
    let embedded = with_records(2_050).await;
    let client = embedded.dynamodb();
    create_table(&client, "other").await;
    let mut other = client.put_item().table_name("other");
    other = other.item("id", crate::support::text("x"));
    other.clone().send().await.unwrap();
    other.item("changed", crate::support::text("y")).send().await.unwrap();
    let newest = "109000000000000000000";
    assert_eq!(embedded.trim_stream(TABLE, newest).unwrap(), 2_049);
    assert_eq!(embedded.trim_stream("other", newest).unwrap(), 1);
}

#[tokio::test]
async fn trimming_refuses_unknown_streams_and_invalid_numbers() {
    let embedded = with_records(1).await;
    let known = sequence(&read_all(&embedded).await[0]);
    assert!(matches!(embedded.trim_stream("nowhere", &known), Err(EmbeddedError::Engine(_))));
    for number in ["", "7", "many", "-99999999999999999999999"] {
        assert!(matches!(embedded.trim_stream(TABLE, number), Err(EmbeddedError::Engine(_))));
    }
}

#[tokio::test]
async fn a_write_between_reading_and_waiting_is_noticed() {
    let embedded = memory().await;
    let client = embedded.dynamodb();
    let mut changes = embedded.changes(TABLE);
    assert!(read_all(&embedded).await.is_empty());
    put(&client, "a").await;
    woken(&mut changes).await;
    client.transact_write_items().transact_items(create("b")).send().await.unwrap();
    woken(&mut changes).await;
    assert_eq!(*changes.borrow(), 2);
}

#[tokio::test]
async fn only_successful_writes_to_the_table_notify_its_readers() {
    let embedded = memory().await;
    let client = embedded.dynamodb();
    put(&client, "a").await;
    create_table(&client, "other").await;
    let changes = embedded.changes(TABLE);
    client.scan().table_name(TABLE).send().await.unwrap();
    client.transact_write_items().transact_items(create("a")).send().await.unwrap_err();
    let id = crate::support::text("x");
    client.put_item().table_name("other").item("id", id).send().await.unwrap();
    assert!(!changes.has_changed().unwrap());
}

#[tokio::test]
async fn closing_the_database_ends_a_wait_for_changes() {
    let embedded = memory().await;
    let mut changes = embedded.changes(TABLE);
    drop(embedded);
    assert!(changes.changed().await.is_err());
}

async fn woken(changes: &mut tokio::sync::watch::Receiver<u64>) {
    let changed = tokio::time::timeout(Duration::from_secs(5), changes.changed()).await;
    changed.expect("the write wakes the reader").unwrap();
}
