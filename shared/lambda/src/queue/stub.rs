//! A stand-in for SQS: JSON, with the operation in a header.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use orderflow_domain::{Event, EventData, InventoryReleased, OrderId, Timestamp};
use orderflow_messaging::{Consumer, Delivery, Outcome, RetryPolicy};
use orderflow_sqs::{ConsumerQueues, Queue};
use serde_json::{Value, json};

use super::QueueHost;

/// The requests so far, and whether messages are refused.
#[derive(Default)]
pub(super) struct Requests {
    pub(super) requests: Vec<(String, Value)>,
    pub(super) refuses_messages: bool,
}

/// The shared state of the stand-in.
pub(super) type Shared = Arc<Mutex<Requests>>;

async fn serve(State(queues): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let operation = headers["x-amz-target"].to_str().unwrap().split('.').next_back().unwrap().to_owned();
    let request: Value = serde_json::from_str(&body).unwrap();
    let mut queues = queues.lock().unwrap();
    if queues.refuses_messages && operation == "SendMessage" {
        return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
    }
    queues.requests.push((operation, request));
    axum::Json(json!({"MessageId": "m"})).into_response()
}

/// Returns the same outcome for every delivery.
pub(super) struct Always(pub(super) Outcome);

#[async_trait]
impl Consumer for Always {
    fn name(&self) -> &'static str {
        "always"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        vec![self.0.clone(); batch.len()]
    }
}

/// Starts the stand-in and the host of a consumer that returns `outcome` for every delivery.
pub(super) async fn host(outcome: Outcome) -> (QueueHost<Always>, Shared) {
    let shared = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(post(serve)).with_state(shared.clone());
    let url = endpoint.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .build();
    let client = aws_sdk_sqs::Client::from_conf(config);
    let queues = ConsumerQueues {
        queue: Queue::new(&client, &format!("{url}/1/queue")),
        dead_letters: Queue::new(&client, &format!("{url}/1/dead")),
    };
    (QueueHost::new(Always(outcome), RetryPolicy::default(), Some(queues)), shared)
}

/// Returns the JSON of an event.
pub(super) fn good() -> String {
    let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
    Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None).to_json()
}
