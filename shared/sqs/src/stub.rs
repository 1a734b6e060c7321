//! A stand-in for SQS: JSON, with the operation in a header. A received message is invisible until its visibility timeout is set to zero.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::queue::MAX_ENTRIES;
use crate::{Sqs, SqsNames};

/// A message of the only queue.
pub(crate) struct Kept {
    /// The body, which is also the id and the receipt handle.
    pub(crate) body: String,
    pub(crate) invisible: bool,
}

/// The messages of the queue and the operation that fails.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) letters: Vec<Kept>,
    /// The operation that fails, and how often it succeeds before.
    pub(crate) refused: Option<(&'static str, usize)>,
}

/// The shared state of the stand-in.
pub(crate) type Shared = Arc<Mutex<Held>>;

impl Held {
    fn refuses(&mut self, asked: &str) -> bool {
        match &mut self.refused {
            Some((operation, done)) if *operation == asked => {
                let refuses = *done == 0;
                *done = done.saturating_sub(1);
                refuses
            }
            _ => false,
        }
    }

    fn receive(&mut self) -> Value {
        let visible = self.letters.iter_mut().filter(|letter| !letter.invisible).take(MAX_ENTRIES);
        let taken = visible.map(|letter| {
            letter.invisible = true;
            json!({"MessageId": letter.body, "ReceiptHandle": letter.body, "Body": letter.body})
        });
        json!({ "Messages": taken.collect::<Vec<_>>() })
    }

    fn send(&mut self, request: &Value) -> Value {
        let body = request["MessageBody"].as_str().unwrap().to_owned();
        self.letters.push(Kept { body, invisible: false });
        json!({"MessageId": "1"})
    }

    fn delete(&mut self, request: &Value) -> Value {
        let entries = request["Entries"].as_array().unwrap();
        self.letters.retain(|letter| entries.iter().all(|entry| entry["ReceiptHandle"] != letter.body));
        json!({"Successful": entries, "Failed": []})
    }

    fn change_visibility(&mut self, request: &Value) -> Value {
        let entries = request["Entries"].as_array().unwrap();
        for entry in entries {
            let letter = self.letters.iter_mut().find(|letter| letter.body == entry["ReceiptHandle"]);
            letter.unwrap().invisible = entry["VisibilityTimeout"] != 0;
        }
        json!({"Successful": entries, "Failed": []})
    }
}

async fn serve(State(held): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let operation = headers["x-amz-target"].to_str().unwrap().split('.').next_back().unwrap();
    let request: Value = serde_json::from_str(&body).unwrap();
    let mut held = held.lock().unwrap();
    if held.refuses(operation) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
    }
    let answer = match operation {
        "GetQueueUrl" => json!({"QueueUrl": request["QueueName"]}),
        "ReceiveMessage" => held.receive(),
        "ChangeMessageVisibilityBatch" => held.change_visibility(&request),
        "SendMessage" => held.send(&request),
        "DeleteMessageBatch" => held.delete(&request),
        other => panic!("the stub does not know {other}"),
    };
    axum::Json(answer).into_response()
}

/// Starts queues that hold these dead letters for every consumer.
pub(crate) async fn queues(letters: &[String]) -> (Sqs, Shared) {
    let letters = letters.iter().map(|body| Kept { body: body.clone(), invisible: false }).collect();
    let held = Arc::new(Mutex::new(Held { letters, refused: None }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(post(serve)).with_state(held.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .build();
    (Sqs::new(&config, SqsNames::new("test")), held)
}
