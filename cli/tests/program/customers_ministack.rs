//! Forgetting customers over an emulator of AWS: afterwards no item of a table and no message has an address.

use std::collections::HashMap;

use orderflow_bridge::sdk_config;
use orderflow_messaging::{QueueAdmin, SUBSCRIPTIONS};
use orderflow_sqs::{Sqs, SqsAdmin, SqsNames};
use orderflow_testing::ministack::MiniStack;

use crate::customers::{ADDRESSES, TEXT, check_output, drain, fill_and_forget, found_in, mail_server};
use crate::server::{Server, up};

/// Returns the items of each table.
async fn tables(endpoint: &str) -> HashMap<String, String> {
    let client = aws_sdk_dynamodb::Client::new(&sdk_config(Some(endpoint)).await);
    let names = client.list_tables().send().await.unwrap().table_names.unwrap();
    let mut tables = HashMap::new();
    for name in names {
        let pages = client.scan().table_name(&name).into_paginator().items().send();
        let items: Vec<_> = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
        tables.insert(name, format!("{items:?}"));
    }
    tables
}

/// Returns the bodies of the ready and of the dead messages.
async fn messages(endpoint: &str) -> String {
    let queues = Sqs::new(&sdk_config(Some(endpoint)).await, SqsNames::new("orderflow"));
    let admin = SqsAdmin::of_polled(queues.into());
    let mut bodies = Vec::new();
    for row in SUBSCRIPTIONS {
        bodies.extend(admin.waiting(row.consumer).await.unwrap());
        let letters = admin.dead_letters(row.consumer).await.unwrap();
        bodies.extend(letters.into_iter().map(|letter| format!("{} {}", letter.body, letter.reason)));
    }
    bodies.join("\n")
}

async fn check_tables(endpoint: &str, texts: &[&str]) {
    let tables = tables(endpoint).await;
    assert!(tables.values().any(|items| items.contains("C-JANE")), "{tables:?}");
    for (name, items) in tables {
        assert_eq!(found_in(&name, items.as_bytes(), texts), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_customer_is_forgotten_no_table_and_no_message_at_aws_has_an_address() {
    let executable = std::env::var_os("ORDERFLOW_MINISTACK").expect("run `cargo xtask test --install`");
    let (mail, stack) = (mail_server().await, MiniStack::start(executable.as_ref()).await.unwrap());
    let endpoint = stack.endpoint();
    let launch = up(&["--port", "0", "--aws-endpoint", endpoint]);
    let smtp = format!("smtp://{}", mail.address());
    let server = Server::start(launch.env("SMTP_URL", smtp).env("RUST_LOG", "info"));
    // SQS counts messages that wait for their retry as in flight.
    let forgotten = fill_and_forget(&server, "in_flight").await;
    let texts = [&ADDRESSES[..], &[TEXT]].concat();
    check_tables(endpoint, &texts).await;
    let left = messages(endpoint).await;
    assert!(left.contains("order.confirmed"), "{left}");
    assert_eq!(found_in("messages", left.as_bytes(), &texts), Vec::<String>::new());

    // A message that waits for its retry cannot be read: it is dropped when it is delivered.
    drain(&server, &mail).await;
    check_tables(endpoint, &texts).await;
    assert_eq!(messages(endpoint).await, "");
    check_output(&server, &forgotten, &texts);
}
