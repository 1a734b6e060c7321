use std::sync::{Arc, Mutex};

use aws_sdk_dynamodbstreams::config::{BehaviorVersion, Credentials, Region};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use super::*;

/// A stream with several shards, served as the API does. A shard iterator is `shard/index of the next record`.
#[derive(Default)]
struct Shards {
    shards: Vec<TestShard>,
    /// Reads of this shard fail.
    broken: Option<&'static str>,
    listed: usize,
    /// How often the table was created again. Its stream has another name then.
    generation: u32,
}

struct TestShard {
    id: &'static str,
    parent: Option<&'static str>,
    numbers: Vec<u32>,
    closed: bool,
}

type Shared = Arc<Mutex<Shards>>;

fn shard(id: &'static str, parent: Option<&'static str>, numbers: &[u32], closed: bool) -> TestShard {
    TestShard { id, parent, numbers: numbers.to_vec(), closed }
}

impl Shards {
    fn answer(&mut self, operation: &str, body: &Value) -> Option<Value> {
        match operation {
            "ListStreams" => Some(json!({"Streams": [{"StreamArn": self.arn(), "TableName": "t"}]})),
            "DescribeStream" => {
                self.is_asked_for(&body["StreamArn"])?;
                self.listed += 1;
                let shards: Vec<_> = self
                    .shards
                    .iter()
                    .map(|shard| json!({"ShardId": shard.id, "ParentShardId": shard.parent}))
                    .collect();
                Some(json!({"StreamDescription": {"StreamArn": self.arn(), "Shards": shards}}))
            }
            "GetShardIterator" => {
                self.is_asked_for(&body["StreamArn"])?;
                let id = body["ShardId"].as_str()?;
                let shard = self.shards.iter().find(|shard| shard.id == id)?;
                let after: u32 = body["SequenceNumber"].as_str().map_or(0, |text| text.parse().unwrap());
                let index = shard.numbers.iter().filter(|number| **number <= after).count();
                Some(json!({"ShardIterator": format!("{id}/{index}/{}", self.generation)}))
            }
            "GetRecords" => self.records(body["ShardIterator"].as_str()?),
            _ => None,
        }
    }

    fn arn(&self) -> String {
        match self.generation {
            0 => "arn:stream".to_owned(),
            generation => format!("arn:stream-{generation}"),
        }
    }

    fn is_asked_for(&self, arn: &Value) -> Option<()> {
        (arn == &self.arn()).then_some(())
    }

    fn records(&self, iterator: &str) -> Option<Value> {
        let (id, rest) = iterator.split_once('/')?;
        let (index, generation) = rest.split_once('/')?;
        if self.broken == Some(id) || generation != self.generation.to_string() {
            return None;
        }
        let shard = self.shards.iter().find(|shard| shard.id == id)?;
        let numbers = &shard.numbers[index.parse::<usize>().unwrap()..];
        let record = |number: &u32| {
            let keys = json!({"id": {"S": "x"}});
            json!({"eventID": "e", "eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": number.to_string()}})
        };
        let next = (!shard.closed).then(|| format!("{id}/{}/{generation}", shard.numbers.len()));
        Some(json!({"Records": numbers.iter().map(record).collect::<Vec<_>>(), "NextShardIterator": next}))
    }
}

async fn serve(State(shards): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let operation = headers["x-amz-target"].to_str().unwrap().split('.').next_back().unwrap().to_owned();
    let body: Value = serde_json::from_str(&body).unwrap();
    let mut shards = shards.lock().unwrap();
    match shards.answer(&operation, &body) {
        Some(answer) => Json(answer).into_response(),
        None if shards.broken.is_some() => {
            (StatusCode::BAD_REQUEST, r#"{"__type":"LimitExceededException"}"#).into_response()
        }
        None => (StatusCode::BAD_REQUEST, r#"{"__type":"ResourceNotFoundException"}"#).into_response(),
    }
}

async fn client(shards: &Shared) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/", post(serve)).with_state(shards.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .retry_config(aws_sdk_dynamodbstreams::config::retry::RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

async fn reader(shards: &Shared, after: Vec<Position>) -> ShardedStream {
    ShardedStream::open(client(shards).await, "t", after).await.unwrap()
}

/// The sequence numbers of each batch.
fn numbers(batches: &[StreamBatch]) -> Vec<Vec<String>> {
    let number = |record: &StreamRecord| record.sequence_number.clone();
    batches.iter().map(|batch| batch.records.iter().map(number).collect()).collect()
}

fn shared(shards: Vec<TestShard>) -> Shared {
    Arc::new(Mutex::new(Shards { shards, ..Shards::default() }))
}

#[tokio::test]
async fn several_records_are_one_batch_and_the_next_read_continues_after_them() {
    let shards = shared(vec![shard("a", None, &[1, 2, 3], false)]);
    let mut reader = reader(&shards, vec![]).await;
    let batches = reader.read().await.unwrap();
    assert_eq!(numbers(&batches), [["1", "2", "3"]]);
    assert_eq!(batches[0].last, Position { shard: "a".to_owned(), sequence_number: "3".to_owned() });
    assert!(reader.read().await.unwrap().is_empty());
    shards.lock().unwrap().shards[0].numbers.push(4);
    assert_eq!(numbers(&reader.read().await.unwrap()), [["4"]]);
    assert_eq!(shards.lock().unwrap().listed, 1, "the shards are not listed again while one is open");
}

#[tokio::test]
async fn a_reader_resumes_after_its_position() {
    let shards = shared(vec![shard("a", None, &[1, 2, 3], false)]);
    let position = Position { shard: "a".to_owned(), sequence_number: "2".to_owned() };
    let mut reader = reader(&shards, vec![position]).await;
    assert_eq!(numbers(&reader.read().await.unwrap()), [["3"]]);
}

#[tokio::test]
async fn a_child_is_read_after_its_parent() {
    let shards =
        shared(vec![shard("child", Some("parent"), &[9], false), shard("parent", None, &[1, 2], true)]);
    let mut reader = reader(&shards, vec![]).await;
    assert_eq!(numbers(&reader.read().await.unwrap()), [["1", "2"]]);
    assert_eq!(numbers(&reader.read().await.unwrap()), [["9"]]);
}

#[tokio::test]
async fn child_shards_are_read_while_other_shards_stay_open() {
    let shards = shared(vec![shard("a", None, &[1], false), shard("b", None, &[2], false)]);
    let mut reader = reader(&shards, vec![]).await;
    assert_eq!(numbers(&reader.read().await.unwrap()), [["1"], ["2"]]);
    {
        let mut shards = shards.lock().unwrap();
        shards.shards[0].closed = true;
        shards.shards.push(shard("a1", Some("a"), &[3], false));
    }
    assert!(reader.read().await.unwrap().is_empty(), "the end of a shard has no record");
    assert_eq!(numbers(&reader.read().await.unwrap()), [["3"]]);
}

#[tokio::test]
async fn batches_read_before_another_shard_fails_are_returned() {
    let shards = shared(vec![shard("a", None, &[1], false), shard("b", None, &[2], false)]);
    let mut reader = reader(&shards, vec![]).await;
    shards.lock().unwrap().broken = Some("b");
    assert_eq!(numbers(&reader.read().await.unwrap()), [["1"]]);
    let error = reader.read().await.unwrap_err();
    assert!(error.to_string().starts_with("the stream of t cannot be read"), "{error}");
    shards.lock().unwrap().broken = None;
    assert_eq!(numbers(&reader.read().await.unwrap()), [["2"]]);
}

#[tokio::test]
async fn the_stream_of_a_table_that_is_created_again_is_read_from_its_beginning() {
    let shards = shared(vec![shard("a", None, &[1, 2, 3], false)]);
    let mut reader = reader(&shards, vec![]).await;
    assert_eq!(numbers(&reader.read().await.unwrap()), [["1", "2", "3"]]);
    {
        let mut shards = shards.lock().unwrap();
        shards.generation = 1;
        shards.shards = vec![shard("a", None, &[1, 2], false)];
    }
    reader.read().await.unwrap_err();
    let batches = reader.read().await.unwrap();
    assert_eq!(numbers(&batches), [["1", "2"]]);
    assert_eq!(reader.arn, "arn:stream-1");
}
