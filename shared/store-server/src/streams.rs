//! Operations on streams. The stream of a table has one shard.

use std::time::SystemTime;

use orderflow_store_port::{Position, StreamRecord};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::definition::TableDescription;
use crate::failure::Failure;
use crate::names::{key_schema, stream_arn, stream_label};
use crate::request::{only, parse};
use crate::service::{Answer, Service};

/// The most records that one `GetRecords` returns (AWS limit).
const MAX_RECORDS: usize = 1_000;

/// The most streams that one `ListStreams` names (AWS limit).
const MAX_STREAMS: usize = 100;

/// The lowest sequence number, with as many digits as boto3 expects.
const FIRST: &str = "000000000000000000001";

/// What a shard iterator begins with.
const ITERATOR: &str = "orderflow";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ListStreams {
    table_name: Option<String>,
    limit: Option<usize>,
    exclusive_start_stream_arn: Option<String>,
}

pub(crate) async fn list(service: &Service, body: &[u8]) -> Answer {
    let request: ListStreams = parse(body)?;
    let mut names = match request.table_name {
        Some(name) => vec![name],
        None => service.backend.list_tables().await?,
    };
    names.sort_unstable();
    let streams = names.iter().filter_map(|name| {
        let table = service.described(name).filter(|table| table.stream_shard.is_some())?;
        Some((name, stream_arn(name, &table), stream_label(&table)))
    });
    let after = request.exclusive_start_stream_arn.unwrap_or_default();
    let mut streams: Vec<_> = streams.filter(|(_, arn, _)| *arn > after).collect();
    let limit = request.limit.unwrap_or(MAX_STREAMS).clamp(1, MAX_STREAMS);
    let has_more = streams.len() > limit;
    streams.truncate(limit);
    let last = streams.last().map(|(_, arn, _)| arn.clone());
    let shown = streams
        .into_iter()
        .map(|(name, arn, label)| json!({"StreamArn": arn, "StreamLabel": label, "TableName": name}));
    let mut answer = json!({"Streams": shown.collect::<Vec<_>>()});
    if has_more {
        answer["LastEvaluatedStreamArn"] = json!(last);
    }
    Ok(answer)
}

/// A stream that a request names.
struct Stream {
    table: String,
    description: TableDescription,
    shard: String,
}

fn stream(service: &Service, wanted: &str) -> Result<Stream, Failure> {
    let unknown = || {
        let message = format!("Requested resource not found: Stream: {wanted} not found");
        Failure::new("ResourceNotFoundException", message)
    };
    let table =
        wanted.split_once(":table/").and_then(|(_, rest)| rest.split('/').next()).ok_or_else(unknown)?;
    let description = service.described(table).ok_or_else(unknown)?;
    let shard = description.stream_shard.clone().ok_or_else(unknown)?;
    if stream_arn(table, &description) != wanted {
        return Err(unknown());
    }
    Ok(Stream { table: table.to_owned(), description, shard })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DescribeStream {
    stream_arn: String,
    #[serde(rename = "Limit")]
    _limit: Option<usize>,
    exclusive_start_shard_id: Option<String>,
}

pub(crate) fn describe(service: &Service, body: &[u8]) -> Answer {
    let request: DescribeStream = parse(body)?;
    let Stream { table, description, shard } = stream(service, &request.stream_arn)?;
    let mut shards =
        vec![json!({"ShardId": shard, "SequenceNumberRange": {"StartingSequenceNumber": FIRST}})];
    if request.exclusive_start_shard_id.is_some_and(|after| after >= shard) {
        shards.clear();
    }
    Ok(json!({"StreamDescription": {
        "StreamArn": request.stream_arn,
        "StreamLabel": stream_label(&description),
        "StreamStatus": "ENABLED",
        "StreamViewType": "NEW_IMAGE",
        "TableName": table,
        "KeySchema": key_schema(&description.hash, description.range.as_deref()),
        "Shards": shards,
    }}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct GetShardIterator {
    stream_arn: String,
    shard_id: String,
    shard_iterator_type: String,
    sequence_number: Option<String>,
}

pub(crate) fn iterator(service: &Service, body: &[u8]) -> Answer {
    let request: GetShardIterator = parse(body)?;
    let stream = stream(service, &request.stream_arn)?;
    if stream.shard != request.shard_id {
        let message = format!("Requested resource not found: Shard: {} not found", request.shard_id);
        return Err(Failure::new("ResourceNotFoundException", message));
    }
    let after = match (request.shard_iterator_type.as_str(), request.sequence_number) {
        ("TRIM_HORIZON", None) => String::new(),
        ("AFTER_SEQUENCE_NUMBER", Some(number)) if is_number(&number) => number,
        ("AFTER_SEQUENCE_NUMBER" | "TRIM_HORIZON", _) => {
            return Err(Failure::invalid("SequenceNumber does not fit the ShardIteratorType"));
        }
        (other, _) => return Err(Failure::unsupported(format!("ShardIteratorType {other}"))),
    };
    Ok(json!({"ShardIterator": shard_iterator(&request.stream_arn, &after)}))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn shard_iterator(arn: &str, after: &str) -> String {
    format!("{ITERATOR}|{arn}|{after}")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct GetRecords {
    shard_iterator: String,
    limit: Option<usize>,
}

pub(crate) async fn records(service: &Service, body: &[u8]) -> Answer {
    let request: GetRecords = parse(body)?;
    let parts: Vec<&str> = request.shard_iterator.split('|').collect();
    let [ITERATOR, arn, after] = parts[..] else {
        return Err(Failure::invalid("Invalid ShardIterator"));
    };
    only("Limit", request.limit.filter(|limit| *limit == 0).map(|_| "0"), &[])?;
    let Stream { table, shard, .. } = stream(service, arn)?;
    let position = (!after.is_empty()).then(|| Position { shard, sequence_number: after.to_owned() });
    let mut reader = service.backend.open_stream(&table, position.into_iter().collect()).await?;
    let mut records: Vec<StreamRecord> =
        reader.read().await?.into_iter().flat_map(|batch| batch.records).collect();
    records.truncate(request.limit.unwrap_or(MAX_RECORDS).min(MAX_RECORDS));
    let after = records.last().map_or(after, |record| &record.sequence_number);
    let next = shard_iterator(arn, after);
    Ok(json!({"Records": records.iter().map(shown).collect::<Vec<_>>(), "NextShardIterator": next}))
}

fn shown(record: &StreamRecord) -> Value {
    let written_at = record.written_at.unwrap_or(SystemTime::UNIX_EPOCH);
    let written_at = written_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut change = json!({
        "ApproximateCreationDateTime": written_at.as_secs(),
        "Keys": record.keys,
        "SequenceNumber": record.sequence_number,
        "StreamViewType": "NEW_IMAGE",
    });
    if let Some(image) = &record.image {
        change["NewImage"] = json!(image);
    }
    json!({
        "awsRegion": "embedded",
        "eventID": record.id,
        "eventName": record.change.name(),
        "eventSource": "aws:dynamodb",
        "eventVersion": "1.1",
        "dynamodb": change,
    })
}
