//! Requests to the store over HTTP that an SDK repeats, or that no SDK sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use orderflow_bridge::sdk_config;
use orderflow_engine::{Engine, Location, Options};
use orderflow_store::{DynamoDb, Store, TableDefinition, Write};
use serde_json::{Value, json};

use crate::protocol::{router, serve};

static THINGS: TableDefinition =
    TableDefinition { name: "things", hash: "id", range: None, indexes: &[], streams: true };

/// Returns a store with one table, and the routes that serve it.
async fn store() -> (Store, Router) {
    let engine = Engine::open(Options::new(Location::Memory)).unwrap();
    let store = Store::new(Arc::new(engine.clone()), "test");
    store.create_missing_tables(&[&THINGS]).await.unwrap();
    (store, router(engine))
}

/// Withholds the first answer to a transaction, which has taken effect.
async fn lose_one(State(transactions): State<Arc<AtomicUsize>>, request: Request, next: Next) -> Response {
    let is_transaction = request.headers()["x-amz-target"].to_str().unwrap().ends_with(".TransactWriteItems");
    let response = next.run(request).await;
    if is_transaction && transactions.fetch_add(1, Ordering::Relaxed) == 0 {
        let broken = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
        return Response::new(Body::from_stream(broken));
    }
    response
}

async fn call(url: &str, target: &str, body: String) -> (u16, Value) {
    let request = reqwest::Client::new().post(url).header("x-amz-target", target).body(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn kind(answer: &Value) -> &str {
    answer["__type"].as_str().unwrap().rsplit('#').next().unwrap()
}

async fn thing(store: &Store, id: &str) -> Option<Value> {
    let things = store.table(&THINGS);
    things.get(things.key(id)).await.unwrap()
}

#[tokio::test]
async fn an_ordinary_sdk_client_shares_the_database() {
    let (store, routes) = store().await;
    let url = serve(routes).await;
    let config = sdk_config(Some(&url)).await;
    let signed = Store::new(Arc::new(DynamoDb::on_aws(&config, &config)), "test");
    signed
        .write_each(vec![Write::put(&signed.table(&THINGS), &json!({"id": "a"})).unwrap()])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(thing(&store, "a").await, Some(json!({"id": "a"})));
    assert_eq!(thing(&signed, "a").await, Some(json!({"id": "a"})));
    let states = signed.table_states(&[&THINGS]).await.unwrap();
    assert!(states[0].exists && !states[0].missing_stream);
}

#[tokio::test]
async fn a_retry_after_a_lost_answer_does_not_run_the_transaction_again() {
    let (store, routes) = store().await;
    let transactions = Arc::new(AtomicUsize::new(0));
    let url = serve(routes.layer(from_fn_with_state(Arc::clone(&transactions), lose_one))).await;
    let remote = Store::new(Arc::new(DynamoDb::unsigned(&sdk_config(Some(&url)).await)), "test");
    let things = remote.table(&THINGS);
    let increment = Write::update(&things, things.key("a")).increment("n", 1);
    remote.transact(vec![increment]).await.unwrap();
    assert_eq!(transactions.load(Ordering::Relaxed), 2);
    assert_eq!(thing(&store, "a").await.unwrap()["n"], 1);
}

#[tokio::test]
async fn a_token_is_refused_for_another_transaction() {
    let (store, routes) = store().await;
    let url = serve(routes).await;
    let transact = async |id: &str| {
        let put = json!({"Put": {"TableName": "test-things", "Item": {"id": {"S": id}}}});
        let body = json!({"ClientRequestToken": "same", "TransactItems": [put]}).to_string();
        call(&url, "DynamoDB_20120810.TransactWriteItems", body).await
    };
    assert_eq!(transact("a").await.0, 200);
    assert_eq!(transact("a").await.0, 200);
    let (status, answer) = transact("b").await;
    assert_eq!((status, kind(&answer)), (400, "IdempotentParameterMismatchException"));
    assert!(thing(&store, "a").await.is_some() && thing(&store, "b").await.is_none());
}

#[tokio::test]
async fn bad_requests_get_dynamodbs_errors_and_do_not_stop_the_server() {
    let (_store, routes) = store().await;
    let url = serve(routes).await;
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
        let (status, answer) = call(&url, target, body.to_owned()).await;
        assert_eq!((status, kind(&answer)), (400, expected), "{target} {body:.40}");
    }
    assert!(reqwest::get(&url).await.unwrap().status().is_success());
}
