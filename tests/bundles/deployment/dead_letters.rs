//! Poison messages in a deployed system.

use std::process::Command;

use orderflow_bridge::sdk_config;
use orderflow_domain::Event;
use orderflow_sqs::{Attributes, Sqs, SqsNames};
use orderflow_store::DEFAULT_PREFIX;
use reqwest::Method;
use serde_json::{Value, json};

use super::run;
use super::shop::Shop;
use crate::facts::order_confirmed;
use crate::queues::new_id;
use crate::world::bundle_path;

const CONSUMER: &str = "notification";

/// `orderflow dlq` lists, corrects and replays a dead letter, and the customer gets a message.
pub(super) async fn are_corrected_by_the_program(shop: &Shop, endpoint: &str) {
    let (order_id, event, letter) = poison(shop, endpoint).await;
    let folder = tempfile::tempdir().unwrap();
    let repaired = folder.path().join("repaired.json");
    std::fs::write(&repaired, event.to_json()).unwrap();
    let dlq = async |arguments: &[&str]| {
        let mut command = Command::new(bundle_path("orderflow"));
        command.arg("dlq").args(arguments).args(["--aws-endpoint", endpoint, "--json"]);
        command.env_remove("VISUAL").env("EDITOR", format!("cp {}", repaired.display()));
        run(command).await.stdout
    };

    let listed = String::from_utf8(dlq(&["list", CONSUMER]).await).unwrap();
    assert!(listed.contains(&letter), "{listed}");
    dlq(&["edit", CONSUMER, &letter]).await;
    dlq(&["replay", CONSUMER, "--id", &letter]).await;
    assert_eq!(shop.told(&order_id).await, "order_confirmation");
}

/// The HTTP API lists, corrects and replays a dead letter.
pub(super) async fn are_corrected_over_http(shop: &Shop, endpoint: &str) {
    let (order_id, event, letter) = poison(shop, endpoint).await;
    let event: Value = serde_json::from_str(&event.to_json()).unwrap();
    let letters = format!("/admin/dead-letters/{CONSUMER}");
    let put = shop.send(Method::PUT, &format!("{letters}/{letter}"), &event, None).await;
    assert_eq!(put.status(), 200, "{}", put.text().await.unwrap());
    let replayed =
        shop.send(Method::POST, &format!("{letters}/replay"), &json!({"ids": [letter]}), None).await;
    assert_eq!(replayed.json::<Value>().await.unwrap(), json!({"replayed": 1}));
    assert_eq!(shop.told(&order_id).await, "order_confirmation");
}

/// Sends a truncated event to a deployed queue, and waits until the function has dead-lettered it. Returns its order, the complete event,
/// and the id of the dead letter.
async fn poison(shop: &Shop, endpoint: &str) -> (String, Event, String) {
    let order_id = new_id();
    let event = order_confirmed(&order_id);
    let text = event.to_json();
    let queues = Sqs::find(&sdk_config(Some(endpoint)).await, SqsNames::new(DEFAULT_PREFIX)).await.unwrap();
    let queues = queues.of(CONSUMER).await.unwrap().unwrap();
    queues.queue.send(&text[..text.len() - 1], Attributes::new()).await.unwrap();

    let is_dead = |queue: &Value| queue["consumer"] == CONSUMER && queue["dead"] == 1;
    shop.wait("/admin/queues", |body| body["queues"].as_array().unwrap().iter().any(is_dead)).await;
    let path = format!("/admin/dead-letters/{CONSUMER}");
    let listed = shop.wait(&path, |body| body["dead_letters"] != json!([])).await;
    let [letter] = &listed["dead_letters"].as_array().unwrap()[..] else { panic!("not one: {listed}") };
    assert_eq!(letter["code"], "undecodable", "{letter}");
    (order_id, event, letter["id"].as_str().unwrap().to_owned())
}
