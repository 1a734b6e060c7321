//! What the program says about permissions that its account lacks.

use orderflow_testing::program::{Launch, PATIENCE, Program, wait_until};
use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::Value;

use crate::load::order;

/// A product of the demo shop.
const SKU: &str = "TSHIRT-BLK-M";

/// The least permissions where everything is declared, as the guide lists them: configure, write, read.
const LEAST: [&str; 3] = ["^$", r"^(orderflow\.events|amq\.default)$", r"^orderflow\."];

/// The same without the default exchange, over which retries and dead letters go.
const WITHOUT_RETRIES: [&str; 3] = ["^$", r"^orderflow\.", r"^orderflow\."];

struct Account {
    broker: RabbitMq,
    uri: String,
    client: reqwest::Client,
}

impl Account {
    async fn new() -> Self {
        let broker = RabbitMq::start().await.unwrap();
        broker.control(&["add_user", "shop", "secret"]).unwrap();
        let uri = broker.uri().replace("guest:guest", "shop:secret");
        Self { broker, uri, client: reqwest::Client::new() }
    }

    fn may(&self, [configure, write, read]: [&str; 3]) {
        self.broker.control(&["set_permissions", "-p", "/", "shop", configure, write, read]).unwrap();
    }

    fn start(&self) -> Program {
        let arguments = ["up", "--ephemeral", "--port", "0", "--broker", &self.uri];
        Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).env("RUST_LOG", "info").start()
    }

    async fn health(&self, program: &Program) -> Value {
        let url = format!("{}/health", program.url());
        self.client.get(url).send().await.unwrap().json().await.unwrap()
    }

    async fn is_healthy(&self, program: &Program) {
        wait_until("it is healthy", async || self.health(program).await["status"] == "healthy").await;
    }

    /// Waits until the broker is down for this reason.
    async fn is_down(&self, program: &Program, reason: &str) {
        wait_until(reason, async || {
            let health = self.health(program).await;
            health["reasons"]["broker"].as_str().is_some_and(|found| found.contains(reason))
        })
        .await;
    }

    async fn order_is_confirmed(&self, program: &Program) {
        let url = format!("{}/api/v1/orders", program.url());
        let placed = self.client.post(&url).json(&order(SKU)).timeout(PATIENCE).send().await.unwrap();
        let id = placed.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
        wait_until("the order is confirmed", async || {
            let found = self.client.get(format!("{url}/{id}")).send().await.unwrap();
            found.json::<Value>().await.unwrap()["status"] == "confirmed"
        })
        .await;
    }
}

/// Returns the warnings and errors of the log that name a permission.
fn lacking(program: &Program) -> Vec<String> {
    let log = program.log();
    let lines = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    lines.filter(|line| line.contains("lacks")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_permissions_are_named_at_the_start_and_when_they_are_lost() {
    let account = Account::new().await;
    account.may(["^$", ".*", ".*"]);
    let waiting = account.start();
    account
        .is_down(&waiting, "the account may not declare: it lacks configure on exchange 'orderflow.events'")
        .await;
    assert_eq!(lacking(&waiting).len(), 1, "{:#?}", lacking(&waiting));
    account.may([".*", ".*", ".*"]);
    account.is_healthy(&waiting).await;
    account.order_is_confirmed(&waiting).await;

    account.may(WITHOUT_RETRIES);
    account.is_down(&waiting, "lacks the permission write on exchange 'amq.default'").await;
    let about_retries = |program: &Program| {
        let lines = lacking(program).into_iter().filter(|line| line.contains("amq.default"));
        lines.filter(|line| !line.contains("to declare")).count()
    };
    wait_until("it is logged", async || about_retries(&waiting) == 1).await;
    account.may(LEAST);
    account.is_healthy(&waiting).await;
    account.order_is_confirmed(&waiting).await;
    assert_eq!(about_retries(&waiting), 1, "{:#?}", lacking(&waiting));
    waiting.stop();

    // Everything is declared now.
    let program = account.start();
    account.order_is_confirmed(&program).await;
    account.is_healthy(&program).await;
    let lines = lacking(&program);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("configure on exchange 'orderflow.events', 35 queues"), "{lines:#?}");
    program.stop();

    account.may(WITHOUT_RETRIES);
    let program = account.start();
    wait_until("it is said at the start", async || about_retries(&program) == 1).await;
}
