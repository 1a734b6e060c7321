//! What `/health` says about consumers of other processes, and about a broker that hangs.

use std::time::{Duration, Instant};

use orderflow_testing::program::Program;
use serde_json::{Value, json};

use crate::load::order;
use crate::shop::Shop;

/// The time within which `/health` answers.
const ANSWERS: Duration = Duration::from_secs(2);

async fn health(shop: &Shop, part: &Program) -> Value {
    let started = Instant::now();
    let text = shop.text_of(part, "/health").await;
    assert!(started.elapsed() < ANSWERS, "it took {:?}: {text}", started.elapsed());
    serde_json::from_str(&text).unwrap()
}

async fn status(shop: &Shop, part: &Program, expected: &str) {
    shop.wait_until(expected, async || health(shop, part).await["status"] == expected).await;
}

/// Every process shows a consumer whose process was killed. Order intake is degraded, because it accepts orders all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_consumer_is_shown_by_every_process() {
    let mut shop = Shop::open("SEEN", 5).await;
    status(&shop, &shop.front, "healthy").await;
    status(&shop, &shop.relay, "healthy").await;
    shop.consumer("payment").kill();
    shop.place(&order("SEEN")).await.expect("202");
    status(&shop, &shop.front, "degraded").await;
    shop.wait_until("the message of the order waits", async || {
        health(&shop, &shop.front).await["parts"]["payment"]["waiting"] == 1
    })
    .await;
    for (part, service, status) in [(&shop.front, "degraded", "degraded"), (&shop.relay, "down", "unhealthy")]
    {
        let health = health(&shop, part).await;
        assert_eq!((&health["status"], &health["services"]["broker"]), (&json!(status), &json!(service)));
        assert_eq!(health["parts"]["payment"]["state"], "failing", "{health}");
        assert!(health["parts"]["payment"]["since"].is_string(), "{health}");
        assert_eq!(health["parts"]["analytics"]["state"], "running", "{health}");
    }
    assert_eq!(shop.text_of(&shop.front, "/health/ready").await, r#"{"status":"ready"}"#);
    assert_eq!(shop.text_of(shop.consumer("analytics"), "/health/ready").await, r#"{"status":"ready"}"#);
    let payment = shop.consumers.iter().position(|part| !part.is_running()).unwrap();
    shop.consumers[payment].restart();
    status(&shop, &shop.front, "healthy").await;
    status(&shop, &shop.relay, "healthy").await;
}

/// A broker that is short of memory accepts connections and blocks those that publish.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_confirms_nothing_is_down() {
    let shop = Shop::open("BLOCKED", 5).await;
    status(&shop, &shop.relay, "healthy").await;
    let watermark = |fraction: &str| {
        shop.broker.control(&["set_vm_memory_high_watermark", fraction]).unwrap();
    };
    watermark("0.0000001");
    shop.place(&order("BLOCKED")).await.expect("202");
    status(&shop, &shop.relay, "unhealthy").await;
    let seen = health(&shop, &shop.relay).await;
    assert_eq!(seen["services"]["broker"], "down", "{seen}");
    watermark("0.6");
    status(&shop, &shop.relay, "healthy").await;
}
