//! What the program logs while the broker is away.

use std::time::Duration;

use orderflow_testing::program::{Launch, PATIENCE, wait_until};
use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::{Value, json};

/// Prepares a start of the whole system over a broker.
fn up(broker: &str) -> Launch {
    let arguments = ["up", "--ephemeral", "--port", "0", "--broker", broker];
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).env("RUST_LOG", "info")
}

/// The time between an event and the end of all lines about it.
const SILENCE: Duration = Duration::from_secs(3);

/// One line says that the broker is away, and one that it is back, while orders are accepted all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_broker_is_one_line_at_its_begin_and_one_at_its_end() {
    let mut broker = RabbitMq::start().await.unwrap();
    let program = up(&broker.uri()).start();
    let client = reqwest::Client::new();
    let place = async || {
        let body = json!({"customer_id": "C1", "email": "c1@example.com", "items": [{"sku": "TSHIRT-BLK-M", "quantity": 1}]});
        let request = client.post(format!("{}/api/v1/orders", program.url())).json(&body);
        let order: Value = request.timeout(PATIENCE).send().await.unwrap().json().await.unwrap();
        order["id"].as_str().unwrap().to_owned()
    };
    let is_confirmed = async |id: &str| {
        let order = client.get(format!("{}/api/v1/orders/{id}", program.url())).send().await.unwrap();
        order.json::<Value>().await.unwrap()["status"] == "confirmed"
    };
    let first = place().await;
    wait_until("the first order is confirmed", async || is_confirmed(&first).await).await;
    let before = program.log().len();
    broker.kill();
    let mut last = String::new();
    for _ in 0..16 {
        last = place().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let during = program.log()[before..].to_owned();
    broker.restart().await.unwrap();
    wait_until("the last order is confirmed", async || is_confirmed(&last).await).await;
    tokio::time::sleep(SILENCE).await;
    let problems = |log: &str| {
        let lines = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let down = problems(&during);
    assert_eq!(down.len(), 1, "{during}");
    assert!(down[0].contains("broker cannot be reached") && down[0].contains("127.0.0.1:"), "{down:?}");
    assert!(!down[0].contains("guest") && !down[0].contains("//"), "{down:?}");
    let log = program.log()[before..].to_owned();
    assert_eq!(problems(&log), down, "{log}");
    assert_eq!(log.matches("connected to the broker").count(), 1, "{log}");
}

#[tokio::test]
async fn waiting_for_the_broker_at_the_start_is_repeated() {
    let program = up("amqp://guest:s3cret@127.0.0.1:1/%2f").start();
    let waiting = || program.log().matches("broker still cannot be reached").count();
    wait_until("the wait is reported twice more", async || waiting() >= 2).await;
    let log = program.log();
    assert_eq!(log.matches("broker cannot be reached").count(), 1, "{log}");
    assert!(log.contains("127.0.0.1:1") && !log.contains("127.0.0.1:1/") && !log.contains("s3cret"), "{log}");
}
