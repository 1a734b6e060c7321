use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use orderflow_embedded::{Embedded, Fault};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::{create, exists, increment, memory, n, put};

struct Server {
    url: String,
}

async fn serve(embedded: &Embedded) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the runtime of the test.
    tokio::spawn(axum::serve(listener, embedded.router()).into_future());
    Server { url }
}

/// Returns an SDK client with the default behaviour: it signs and retries, and uses a socket.
fn client(server: &Server) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(&server.url);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

#[tokio::test]
async fn an_ordinary_sdk_client_shares_the_database() {
    let embedded = memory().await;
    let server = serve(&embedded).await;
    let client = client(&server);
    put(&client, "a").await;
    assert!(exists(&embedded.dynamodb(), "a").await);
    let transaction = client.transact_write_items().transact_items(create("a"));
    let error = transaction.send().await.unwrap_err().into_service_error();
    assert!(error.is_transaction_canceled_exception(), "{error:?}");
}

#[tokio::test]
async fn streams_are_served_too() {
    let embedded = memory().await;
    let server = serve(&embedded).await;
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(&server.url);
    let streams = aws_sdk_dynamodbstreams::Client::from_conf(config.build());
    assert_eq!(streams.list_streams().send().await.unwrap().streams().len(), 1);
}

#[tokio::test]
async fn a_retry_after_a_lost_answer_does_not_run_the_transaction_again() {
    let embedded = memory().await;
    let server = serve(&embedded).await;
    let first = AtomicBool::new(true);
    embedded.inject(Arc::new(move |operation: &str, _: &Value| {
        let lose = operation == "TransactWriteItems" && first.swap(false, Ordering::Relaxed);
        lose.then_some(Fault::LostAnswer)
    }));
    let transaction = client(&server).transact_write_items().transact_items(increment("a"));
    transaction.send().await.unwrap();
    assert_eq!(embedded.requests().of("TransactWriteItems"), 2);
    assert_eq!(n(&embedded.dynamodb(), "a").await, "1");
}

#[tokio::test]
async fn a_token_is_refused_for_another_transaction() {
    let embedded = memory().await;
    let server = serve(&embedded).await;
    let client = client(&server);
    let with_token = || client.transact_write_items().client_request_token("same");
    with_token().transact_items(create("a")).send().await.unwrap();
    let error = with_token().transact_items(create("b")).send().await.unwrap_err();
    assert!(error.into_service_error().is_idempotent_parameter_mismatch_exception());
    assert!(!exists(&client, "b").await);
}

#[tokio::test]
async fn bad_requests_get_dynamodbs_errors_and_do_not_stop_the_server() {
    let embedded = memory().await;
    let server = serve(&embedded).await;
    let put = "DynamoDB_20120810.PutItem";
    let deep = format!(r#"{{"TableName":{}"#, "[".repeat(100_000));
    for (target, body, expected) in [
        (put, "{not json", "SerializationException"),
        (put, "", "SerializationException"),
        (put, "[]", "SerializationException"),
        (put, r#"{"TableName":7}"#, "SerializationException"),
        (put, deep.as_str(), "SerializationException"),
        (put, "{}", "ValidationException"),
        ("DynamoDB_20120810.Nonsense", "{}", "UnknownOperationException"),
        ("SomethingElse.PutItem", "{}", "UnknownOperationException"),
        ("", "{}", "UnknownOperationException"),
    ] {
        let request = reqwest::Client::new().post(&server.url).header("x-amz-target", target);
        let response = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), 400, "{target} {body:.40}");
        let error: Value = response.json().await.unwrap();
        let kind = error["__type"].as_str().unwrap();
        assert!(kind.ends_with(&format!("#{expected}")), "{target} {body:.40}: {kind}");
    }
    let health = reqwest::get(&server.url).await.unwrap();
    assert!(health.status().is_success());
}
