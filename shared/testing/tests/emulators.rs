//! The harness against the real emulators, whose executables are in `ORDERFLOW_RIE` and `ORDERFLOW_MINISTACK`.
//! `cargo xtask tools sam ministack` installs them, and `cargo xtask test` sets both variables.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use orderflow_testing::Error;
use orderflow_testing::ministack::MiniStack;
use orderflow_testing::rie::RuntimeEmulator;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Responds to an event with the event and its process id. Returns an error of type `Refused` for `{"fail": ...}`, and ends on
/// `{"exit": ...}`.
const ECHO: &str = r#"#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while event=$(curl --silent --fail --noproxy '*' --dump-header head "$api/next"); do
  id=$(grep -i '^lambda-runtime-aws-request-id' head | tr -d '\r' | cut -d' ' -f2)
  case $event in
    *exit*) exit 3 ;;
    *fail*) to=error body='{"errorType":"Refused","errorMessage":"told to"}' ;;
    *) to=response body="{\"greeting\":\"$GREETING\",\"pid\":$$,\"event\":$event}" ;;
  esac
  curl --silent --noproxy '*' --data "$body" "$api/$id/$to" > /dev/null
done
"#;

fn tool(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => panic!("{variable} is not set: run `cargo xtask test`, which sets it"),
    }
}

async fn echo(folder: &Path) -> RuntimeEmulator {
    let bootstrap = folder.join("bootstrap");
    std::fs::write(&bootstrap, ECHO).unwrap();
    std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755)).unwrap();
    let environment = [("GREETING".to_owned(), "hello".to_owned())];
    RuntimeEmulator::start(&tool("ORDERFLOW_RIE"), &bootstrap, &environment).await.unwrap()
}

#[tokio::test]
async fn a_function_gets_its_events_and_environment_and_ends_with_its_emulator() {
    let folder = TempDir::new().unwrap();
    let function = echo(folder.path()).await;

    let (one, two) = (json!({"n": 1}), json!({"n": 2}));
    let (first, second) = tokio::join!(function.invoke(&one), function.invoke(&two));
    let first = first.unwrap();
    assert_eq!(first["event"], json!({"n": 1}));
    assert_eq!(first["greeting"], "hello");
    assert_eq!(second.unwrap()["event"], json!({"n": 2}));

    let process = PathBuf::from(format!("/proc/{}", first["pid"]));
    assert!(process.exists());
    drop(function);
    let started = Instant::now();
    while process.exists() {
        assert!(started.elapsed() < Duration::from_secs(5), "the function outlived its emulator");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_function_that_fails_is_a_typed_error_and_keeps_running() {
    let folder = TempDir::new().unwrap();
    let function = echo(folder.path()).await;

    let error = function.invoke(&json!({"fail": true})).await.unwrap_err();
    match error {
        Error::Function { error_type, message } => {
            assert_eq!((&*error_type, &*message), ("Refused", "told to"))
        }
        other => panic!("{other}"),
    }
    function.invoke(&json!({"n": 1})).await.unwrap();
}

#[tokio::test]
async fn a_function_that_ends_is_a_typed_error() {
    let folder = TempDir::new().unwrap();
    let function = echo(folder.path()).await;

    let error = function.invoke(&json!({"exit": true})).await.unwrap_err();
    assert!(
        matches!(&error, Error::Function { error_type, .. } if error_type == "Runtime.ExitError"),
        "{error}"
    );
}

#[tokio::test]
async fn ministack_serves_queues() {
    let stack = MiniStack::start(&tool("ORDERFLOW_MINISTACK")).await.unwrap();

    let created = sqs(&stack, "CreateQueue", json!({"QueueName": "parcels"})).await;
    let url = created["QueueUrl"].as_str().unwrap();
    assert!(url.ends_with("/parcels"), "{url}");

    let listed = sqs(&stack, "ListQueues", json!({})).await;
    assert_eq!(listed["QueueUrls"], json!([url]));
}

#[tokio::test]
async fn two_ministacks_share_nothing() {
    let executable = tool("ORDERFLOW_MINISTACK");
    let (one, two) = tokio::join!(MiniStack::start(&executable), MiniStack::start(&executable));
    let (one, two) = (one.unwrap(), two.unwrap());

    sqs(&one, "CreateQueue", json!({"QueueName": "parcels"})).await;
    let listed = sqs(&two, "ListQueues", json!({})).await;
    assert_eq!(listed["QueueUrls"].as_array().map_or(0, Vec::len), 0);
}

/// Calls SQS like a client with made-up credentials.
async fn sqs(stack: &MiniStack, operation: &str, request: Value) -> Value {
    let answer = reqwest::Client::new()
        .post(stack.endpoint())
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("AmazonSQS.{operation}"))
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{operation}: {status} {body}");
    serde_json::from_str(&body).unwrap()
}
