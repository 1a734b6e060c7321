//! One store with several clients, and its durability.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;

use orderflow_testing::program::{Launch, wait_until};

use crate::process::{StoreProcess, THINGS, exists, put, store, table_name};

const CLIENTS: usize = 8;

#[tokio::test]
async fn clients_share_data_and_can_create_tables_concurrently() {
    let process = StoreProcess::ephemeral();
    let (first, second) = tokio::join!(process.tables(), process.tables());
    let tables = [&THINGS];
    let (one, other) =
        tokio::join!(first.create_missing_tables(&tables), second.create_missing_tables(&tables));
    one.unwrap();
    other.unwrap();
    let (first, second) = tokio::join!(process.client(), process.client());
    assert!(put(&first, "a").await);
    assert!(exists(&second, "a").await);
    assert!(!exists(&second, "b").await);
}

/// Several clients, each with its own connections, add to one number.
#[tokio::test]
async fn concurrent_updates_of_one_item_lose_nothing() {
    let process = StoreProcess::ephemeral();
    process.tables().await.create_missing_tables(&[&THINGS]).await.unwrap();
    let add = async |number: usize| {
        let client = process.client().await;
        let additions = (0..number).map(|_| {
            client
                .update_item()
                .table_name(table_name())
                .key("id", AttributeValue::S("sum".to_owned()))
                .update_expression("SET n = if_not_exists(n, :zero) + :one")
                .expression_attribute_values(":zero", AttributeValue::N("0".to_owned()))
                .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
                .send()
        });
        join_all(additions).await.into_iter().for_each(|addition| drop(addition.unwrap()));
    };
    join_all((0..CLIENTS).map(|_| add(50))).await;
    let client = process.client().await;
    let key = client.get_item().table_name(table_name()).key("id", AttributeValue::S("sum".to_owned()));
    let item = key.send().await.unwrap().item.unwrap();
    assert_eq!(item["n"], AttributeValue::N((CLIENTS * 50).to_string()));
}

#[tokio::test]
async fn a_kill_during_writes_keeps_every_acknowledged_write() {
    let data = tempfile::tempdir().unwrap();
    let process = StoreProcess::on(data.path());
    process.tables().await.create_missing_tables(&[&THINGS]).await.unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let client = process.client().await;
    let writers = (0..CLIENTS).map(|writer| {
        let (client, answered) = (client.clone(), Arc::clone(&answered));
        tokio::spawn(async move {
            let mut written = Vec::new();
            loop {
                let id = format!("{writer}-{}", written.len());
                if !put(&client, &id).await {
                    return written;
                }
                written.push(id);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    wait_until("some writes are answered", async || answered.load(Ordering::Relaxed) > 200).await;
    process.0.kill();
    let written = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect::<Vec<_>>();
    let process = StoreProcess::on(data.path());
    let client = process.client().await;
    let found = join_all(written.iter().map(|id| exists(&client, id))).await;
    let lost: Vec<_> = written.iter().zip(found).filter(|(_, found)| !found).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn it_reports_that_it_is_healthy() {
    let process = StoreProcess::ephemeral();
    let run = Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["health", "--url", process.url()]).run();
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn an_address_other_than_loopback_needs_insecure() {
    let run = store(&["--host", "0.0.0.0", "--ephemeral"]).run();
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(run.err.contains("--insecure"), "{run:?}");
    drop(StoreProcess::start(&["--host", "0.0.0.0", "--ephemeral", "--insecure"]));
}

#[tokio::test]
async fn a_foreign_host_or_page_is_refused() {
    let process = StoreProcess::ephemeral();
    let client = reqwest::Client::new();
    let get = client.get(process.url()).header("host", "evil.example").send().await.unwrap();
    assert_eq!(get.status(), 421);
    let list = || client.post(process.url()).body("{}").header("content-type", "application/x-amz-json-1.0");
    let rebound = list().header("host", "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), 421);
    let page = list().header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(page.status(), 403);
    let form =
        client.post(process.url()).body("{}").header("content-type", "text/plain").send().await.unwrap();
    assert_eq!(form.status(), 415);
}

#[test]
fn a_data_directory_in_use_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    let _process = StoreProcess::on(data.path());
    let run = store(&["--data-dir", path]).run();
    assert!(run.code == 1 && run.err.contains(path), "{run:?}");
}
