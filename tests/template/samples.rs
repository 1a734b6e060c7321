//! The sample events: one for every bundle, as AWS sends it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use orderflow_bridge::rabbitmq::queue;
use orderflow_domain::Event;
use orderflow_messaging::{SUBSCRIPTIONS, subscription};
use orderflow_outbox_relay::EVENT_SOURCES;
use orderflow_store::{DEFAULT_PREFIX, Outbox};
use orderflow_tests::{EmbeddedMode, Mode, ModeSettings};
use serde_json::Value;

use crate::reading::{binaries, read, root};

#[test]
fn every_bundle_has_a_sample() {
    let files = std::fs::read_dir(root().join("events")).unwrap().flatten().map(|file| file.path());
    let names: BTreeSet<_> =
        files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let consumers = SUBSCRIPTIONS.iter().map(|row| format!("{}-rmq", row.consumer));
    assert_eq!(names, binaries().into_keys().chain(consumers).collect());
}

#[tokio::test]
async fn samples_of_requests_get_a_response() {
    let system = EmbeddedMode::start(ModeSettings::default()).await;
    for (bundle, status) in [("order-intake", 202), ("shop-api", 201)] {
        let event = sample(bundle);
        assert_eq!(event["version"], "2.0", "{bundle}");
        let http = &event["requestContext"]["http"];
        let request = Request::builder()
            .method(http["method"].as_str().unwrap())
            .uri(event["rawPath"].as_str().unwrap())
            .header("content-type", event["headers"]["content-type"].as_str().unwrap())
            .body(Body::from(event["body"].as_str().unwrap().to_owned()))
            .unwrap();
        let answer = system.call(request).await;
        assert_eq!(answer.status, status, "{bundle}: {}", answer.body);
    }
}

#[test]
fn samples_of_messages_contain_events_of_the_subscription() {
    for row in SUBSCRIPTIONS {
        let record = sample(row.consumer)["Records"][0].clone();
        let event = Event::from_json(record["body"].as_str().unwrap()).unwrap();
        let types = subscription(row.consumer).unwrap().types;
        assert!(
            types.contains(&event.event_type()),
            "{} is not told of {}",
            row.consumer,
            event.event_type()
        );
        assert_eq!(record["messageAttributes"]["type"]["stringValue"], event.event_type().as_str());
        assert_eq!(record["eventSource"], "aws:sqs");
        let arn = record["eventSourceARN"].as_str().unwrap();
        assert!(arn.ends_with(&format!(":{DEFAULT_PREFIX}-{}", row.consumer)), "{arn}");
    }
}

#[test]
fn samples_for_rabbitmq_equal_those_for_sqs() {
    for row in SUBSCRIPTIONS {
        let event = sample(&format!("{}-rmq", row.consumer));
        assert_eq!(event["eventSource"], "aws:rmq");
        let key = format!("{}::/", queue(row.consumer));
        let message = event["rmqMessagesByQueue"][&key][0].clone();
        let body = BASE64_STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
        assert_eq!(body, sample(row.consumer)["Records"][0]["body"].as_str().unwrap().as_bytes());
        let event = Event::from_json(std::str::from_utf8(&body).unwrap()).unwrap();
        assert_eq!(message["basicProperties"]["type"], event.event_type().as_str());
        assert_eq!(message["basicProperties"]["messageId"], event.id.to_string());
    }
}

#[test]
fn the_relay_builds_events_from_the_sample_of_the_stream() {
    let record = sample("outbox-relay")["Records"][0].clone();
    let arn = record["eventSourceARN"].as_str().unwrap();
    let written = |table: &str| arn.contains(&format!(":table/{DEFAULT_PREFIX}-{table}/stream/"));
    let source = EVENT_SOURCES.iter().find(|source| written(source.table.name)).unwrap();
    let image: serde_dynamo::Item = serde_json::from_value(record["dynamodb"]["NewImage"].clone()).unwrap();
    let outbox: Outbox = record["dynamodb"]["NewImage"]["outbox"]["S"].as_str().unwrap().parse().unwrap();
    assert!(!outbox.emissions().is_empty());
    for emission in outbox.emissions() {
        let event = (source.build)(image.clone(), emission).unwrap();
        assert_eq!(event.event_type(), emission.event_type);
    }
}

#[test]
fn the_sample_of_the_schedule_is_from_eventbridge() {
    let event = sample("order-expiry");
    assert_eq!((&event["source"], &event["detail-type"]), (&"aws.events".into(), &"Scheduled Event".into()));
}

fn sample(bundle: &str) -> Value {
    serde_json::from_str(&read(format!("events/{bundle}.json"))).unwrap()
}
