//! Queues that answer as SQS does: JSON, with the operation in a header.
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use orderflow_domain::{Event, EventData, InventoryReleased, OrderId, Timestamp};
use serde_json::Value;

use crate::{Consumer, Delivery, Outcome, QueueFunction, RetryPolicy, SqsQueue, SqsSettings};

/// What the stub was asked, and how it is to answer.
#[derive(Default)]
pub(crate) struct Queues {
    pub(crate) requests: Vec<(String, Value)>,
    pub(crate) refuses_messages: bool,
}

/// What the stub was asked.
pub(crate) type Shared = Arc<Mutex<Queues>>;

async fn serve(State(queues): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let operation = headers["x-amz-target"].to_str().unwrap().split('.').next_back().unwrap().to_owned();
    let mut queues = queues.lock().unwrap();
    let refused = queues.refuses_messages && operation == "SendMessage";
    queues.requests.push((operation, serde_json::from_str(&body).unwrap()));
    if refused {
        return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
    }
    r#"{"MessageId":"m"}"#.into_response()
}

/// Gives every delivery the same outcome.
pub(crate) struct Always(pub(crate) Outcome);

#[async_trait]
impl Consumer for Always {
    fn name(&self) -> &'static str {
        "always"
    }

    async fn handle(&self, batch: &[Delivery]) -> Vec<Outcome> {
        vec![self.0.clone(); batch.len()]
    }
}

/// A function whose every delivery ends like this, over a stub.
pub(crate) async fn function(outcome: Outcome) -> (QueueFunction<Always>, Shared) {
    let queues = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(post(serve)).with_state(queues.clone());
    let served = endpoint.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .build();
    let settings = SqsSettings {
        queue_url: format!("{served}/1/queue"),
        dead_letter_queue_url: format!("{served}/1/dead"),
    };
    let queue = SqsQueue::new(aws_sdk_sqs::Client::from_conf(config), settings);
    (QueueFunction::new(Always(outcome), RetryPolicy::default(), Some(queue)), queues)
}

/// The body of an event.
pub(crate) fn good() -> String {
    let data = InventoryReleased { order_id: OrderId::generate(), items: vec![] };
    Event::new(EventData::InventoryReleased(data), "", Timestamp::now(), None).to_json()
}
