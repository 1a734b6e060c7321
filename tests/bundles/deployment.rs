//! The template deployed, with policies enforced: what `localstack/deploy` leaves behind takes orders to their ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use orderflow_testing::ministack::MiniStack;
use serde_json::{Value, json};

use crate::world::tool;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployed_system_takes_orders_to_their_ends() {
    let stack = MiniStack::start_enforcing(&tool("ORDERFLOW_MINISTACK")).await.unwrap();
    let deployed = script("deploy", stack.endpoint()).await;
    let output = String::from_utf8_lossy(&deployed.stdout);
    let api = output.lines().last().and_then(|line| line.strip_prefix("api: "));
    let api = Shop(api.unwrap_or_else(|| panic!("no URL: {output}")).to_owned());

    let good = api.place(json!({"items": [{"sku": "TSHIRT-BLK-M", "quantity": 2}]})).await;
    let short = api.place(json!({"items": [{"sku": "TSHIRT-GRY-S", "quantity": 11}]})).await;
    let items = json!([{"sku": "PRODUCT-002", "quantity": 3}]);
    let declined = api.place(json!({"items": items, "payment_token": "tok_declined"})).await;
    for (id, template) in
        [(good, "order_confirmation"), (short, "order_out_of_stock"), (declined, "order_payment_declined")]
    {
        let path = format!("/notifications?order_id={id}");
        let told = api.wait(&path, |body| !body["notifications"].as_array().unwrap().is_empty()).await;
        assert_eq!(told["notifications"][0]["template"], template, "{told}");
    }
    let level = json!({"sku": "PRODUCT-002", "available": 500, "reserved": 0});
    api.wait("/inventory/PRODUCT-002", |body| *body == level).await;

    script("remove", stack.endpoint()).await;
    assert_eq!(reqwest::get(format!("{}/health", api.0)).await.unwrap().status(), 404);
}

#[test]
fn the_template_is_without_findings() {
    let checked = Command::new(sam())
        .args(["validate", "--lint", "--template"])
        .arg(root().join("template.yaml"))
        .envs([("AWS_DEFAULT_REGION", "us-east-1"), ("SAM_CLI_TELEMETRY", "0")])
        .output();
    succeeded(checked.unwrap());
}

/// The HTTP API at its URL.
struct Shop(String);

impl Shop {
    /// Places an order and gives its id.
    async fn place(&self, mut order: Value) -> String {
        order["customer_id"] = json!("C100");
        order["email"] = json!("c100@example.com");
        let request = reqwest::Client::new().post(format!("{}/api/v1/orders", self.0)).json(&order);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 202);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// What a path answers, once it is as expected.
    async fn wait(&self, path: &str, expected: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = reqwest::get(format!("{}/api/v1{path}", self.0)).await.unwrap();
            let body: Value = answer.json().await.unwrap();
            if expected(&body) {
                return body;
            }
            assert!(started.elapsed() < PATIENCE, "{path} stays {body}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Runs a script of `localstack/` with the SAM CLI in reach.
async fn script(name: &str, endpoint: &str) -> Output {
    let mut command = Command::new(root().join("localstack").join(name));
    let tools = sam().parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap();
    command.arg(endpoint).env("PATH", format!("{}:{path}", tools.display()));
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    succeeded(output.unwrap())
}

#[track_caller]
fn succeeded(output: Output) -> Output {
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{errors}");
    output
}

/// The SAM CLI: the Runtime Interface Emulator is a part of its package.
fn sam() -> PathBuf {
    let emulator = tool("ORDERFLOW_RIE");
    let mut folders = emulator.ancestors().map(|folder| folder.join("bin/sam"));
    folders.find(|program| program.is_file()).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
