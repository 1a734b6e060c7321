//! Publishes to a stand-in for SNS: the query protocol, with XML.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use orderflow_domain::{EventData, InventoryReleased, OrderId, Timestamp};

use super::*;

/// Returns the result of an entry from its id and the number of times it was sent before.
type Decide = Box<dyn Fn(&str, usize) -> EntryResult + Send>;

enum EntryResult {
    Accept,
    Refuse,
    Omit,
}

struct Topic {
    decide: Decide,
    /// The ids of each request.
    requests: Vec<Vec<String>>,
    /// The attribute `type` of each entry.
    types: Vec<String>,
    down: bool,
    /// The number of reads of the topic's attributes.
    reads: usize,
}

type Shared = Arc<Mutex<Topic>>;

impl Topic {
    fn answer(&mut self, form: &HashMap<String, String>) -> String {
        let field = |entry: usize, name: &str| {
            form.get(&format!("PublishBatchRequestEntries.member.{entry}.{name}")).cloned()
        };
        let ids: Vec<String> = (1..).map_while(|entry| field(entry, "Id")).collect();
        self.types.extend(
            (1..=ids.len()).map(|n| field(n, "MessageAttributes.entry.1.Value.StringValue").unwrap()),
        );
        let (mut good, mut bad) = (String::new(), String::new());
        for id in &ids {
            let before = self.requests.iter().flatten().filter(|sent| *sent == id).count();
            match (self.decide)(id, before) {
                EntryResult::Accept => {
                    write!(good, "<member><Id>{id}</Id><MessageId>m-{id}</MessageId></member>").unwrap();
                }
                EntryResult::Refuse => write!(
                    bad,
                    "<member><Id>{id}</Id><Code>InternalError</Code><Message>no</Message><SenderFault>false</SenderFault></member>"
                )
                .unwrap(),
                EntryResult::Omit => {}
            }
        }
        self.requests.push(ids);
        format!(
            r#"<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Successful>{good}</Successful><Failed>{bad}</Failed></PublishBatchResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishBatchResponse>"#
        )
    }
}

async fn serve(State(topic): State<Shared>, body: String) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    assert_eq!(form["TopicArn"], "arn:topic");
    let mut topic = topic.lock().unwrap();
    if form["Action"] == "GetTopicAttributes" {
        topic.reads += 1;
        return StatusCode::FORBIDDEN.into_response();
    }
    assert_eq!(form["Action"], "PublishBatch");
    let answer = topic.answer(&form);
    if topic.down { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { answer.into_response() }
}

async fn publisher(decide: impl Fn(&str, usize) -> EntryResult + Send + 'static) -> (SnsPublisher, Shared) {
    let topic =
        Topic { decide: Box::new(decide), requests: Vec::new(), types: Vec::new(), down: false, reads: 0 };
    let topic = Arc::new(Mutex::new(topic));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/", post(serve)).with_state(topic.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .build();
    (SnsPublisher::new(aws_sdk_sns::Client::from_conf(config), "arn:topic"), topic)
}

fn events(count: usize) -> Vec<Event> {
    let event =
        || EventData::InventoryReleased(InventoryReleased { order_id: OrderId::generate(), items: vec![] });
    (0..count).map(|_| Event::new(event(), "", Timestamp::now(), None)).collect()
}

fn failed(results: &[Result<(), PublishError>]) -> Vec<usize> {
    (0..results.len()).filter(|position| results[*position].is_err()).collect()
}

#[tokio::test]
async fn h06_every_failed_entry_is_retried_and_reported() {
    // Entry 3 fails once, entry 11 always.
    let (publisher, topic) = publisher(|id, before| match (id, before) {
        ("3", 0) | ("11", _) => EntryResult::Refuse,
        _ => EntryResult::Accept,
    })
    .await;
    let results = publisher.publish(&events(12)).await;
    assert_eq!(failed(&results), [11]);
    assert_eq!(results[11], Err(PublishError("InternalError: no".to_owned())));
    let topic = topic.lock().unwrap();
    let sizes: Vec<_> = topic.requests.iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 2, 2, 1], "only failed entries are sent again");
    assert_eq!(
        (&topic.requests[2], &topic.requests[3]),
        (&vec!["3".to_owned(), "11".to_owned()], &vec!["11".to_owned()])
    );
    assert!(
        topic.types.iter().all(|name| name == "inventory.released"),
        "subscriptions filter by the attribute"
    );
}

#[tokio::test]
async fn h06_an_entry_without_a_result_counts_as_not_published() {
    let (publisher, topic) =
        publisher(|id, _| if id == "0" { EntryResult::Omit } else { EntryResult::Accept }).await;
    assert_eq!(failed(&publisher.publish(&events(2)).await), [0]);
    assert_eq!(topic.lock().unwrap().requests.len(), 3);
}

#[tokio::test]
async fn a_topic_that_fails_publishes_nothing() {
    let (publisher, topic) = publisher(|_, _| EntryResult::Accept).await;
    topic.lock().unwrap().down = true;
    assert_eq!(failed(&publisher.publish(&events(3)).await), [0, 1, 2]);
}

#[tokio::test]
async fn no_events_make_no_request() {
    let (publisher, topic) = publisher(|_, _| EntryResult::Accept).await;
    assert!(publisher.publish(&[]).await.is_empty());
    assert!(topic.lock().unwrap().requests.is_empty());
}

#[tokio::test]
async fn a_topic_that_cannot_be_read_still_publishes() {
    let (publisher, topic) = publisher(|_, _| EntryResult::Accept).await;
    publisher.warm().await;
    assert_eq!(topic.lock().unwrap().reads, 1);
    assert!(failed(&publisher.publish(&events(1)).await).is_empty());
}
