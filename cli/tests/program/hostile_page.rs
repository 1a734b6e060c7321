//! Pages of another site in a real browser, against everything that listens: they read nothing and change nothing.

mod attacker;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use orderflow_testing::program::{Launch, PATIENCE};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::server::Server;
use attacker::Attacker;

/// The name of the hostile site. The browser resolves it to this machine.
const SITE: &str = "evil.example";

/// What a page of another site tries, as far as it needs no permission.
const CROSS_SITE: &str = include_str!("hostile_page/cross_site.js");

/// What a page tries after its own name has got the address of the server (DNS rebinding): it is of the same origin for the browser.
const REBOUND: &str = include_str!("hostile_page/rebound.js");

/// The state that a page could read or change.
async fn state(url: &str) -> Vec<Value> {
    let mut state = Vec::new();
    for path in [
        "orders",
        "products",
        "inventory",
        "payments?status=refund_failed",
        "admin/faults",
        "admin/consumers",
        "admin/dead-letters",
    ] {
        let answer = Client::new().get(format!("{url}/api/v1/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        state.push(answer.json().await.unwrap());
    }
    state
}

/// Places an order and waits until it is settled, so that nothing changes by itself.
async fn place_and_settle(server: &Server) {
    assert!(server.place("TSHIRT-BLK-M", "C100").await.is_some());
    server
        .wait_until("the order is confirmed", async |server| {
            server.orders("").await.iter().all(|order| order["status"] == "confirmed")
        })
        .await;
}

/// Returns how many requests a server has refused for this reason.
async fn refused(url: &str, reason: &str) -> u64 {
    let answer = Client::new().get(format!("{url}/metrics")).send().await.unwrap();
    let metrics = answer.text().await.unwrap();
    let line = format!("http_requests_refused_total{{reason=\"{reason}\"}} ");
    metrics.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok()).unwrap_or_default()
}

/// Opens a page of the hostile site and returns the result of a script in it.
async fn cross_site(url: &str, script: &str) -> Value {
    let attacker = Attacker::start(url).await;
    let browser = Browser::resolving(&[attacker.rule(SITE, attacker.port())]).await;
    browser.open(&format!("http://{SITE}:{}/", attacker.port())).await;
    browser.run(&script.replace("BASE", &format!("'{url}'"))).await
}

/// Opens a page of the hostile site at the port of the server, gives the name of the site the address of the server, and returns the result of a
/// script in the page.
async fn rebound(url: &str, script: &str) -> Value {
    let attacker = Attacker::start(url).await;
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let browser = Browser::resolving(&[attacker.rule(SITE, port)]).await;
    browser.open(&format!("http://{SITE}:{port}/")).await;
    attacker.rebind();
    browser.run(script).await
}

/// Attacks the HTTP API at this address.
async fn attack(url: &str) {
    let before = state(url).await;
    let found = cross_site(url, CROSS_SITE).await;
    assert_eq!(found["read"], json!([]), "{found}");
    assert!(found["tried"].as_u64().unwrap() >= 40, "{found}");

    let answers = rebound(url, REBOUND).await;
    let answers = answers.as_array().unwrap();
    assert!(answers.len() >= 10, "{answers:?}");
    for answer in answers {
        assert_eq!(answer["status"], 421, "{answer}");
        assert!(answer["text"].as_str().unwrap().contains("misdirected-request"), "{answer}");
    }
    assert_eq!(state(url).await, before);
}

#[tokio::test]
async fn a_hostile_page_reads_and_changes_nothing_of_the_api() {
    let server = Server::ephemeral();
    place_and_settle(&server).await;
    attack(server.url()).await;
    // The requests reached the server, which refused them.
    assert!(refused(server.url(), "cross-site-request").await >= 5);
    assert!(refused(server.url(), "misdirected-request").await >= 10);
}

#[tokio::test]
async fn a_hostile_page_reads_and_changes_nothing_of_the_store() {
    let store = Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["store", "--port", "0", "--ephemeral"]).start();
    let found = cross_site(store.url(), CROSS_SITE).await;
    assert_eq!(found["read"], json!([]), "{found}");
    let answers = rebound(store.url(), REBOUND).await;
    for answer in answers.as_array().unwrap() {
        assert_eq!(answer["status"], 421, "{answer}");
    }
    assert!(refused(store.url(), "cross-site-request").await >= 5);
    let list = Client::new().post(store.url()).header("x-amz-target", "DynamoDB_20120810.ListTables");
    let tables: Value = list.body("{}").send().await.unwrap().json().await.unwrap();
    assert_eq!(tables["TableNames"], json!([]));
}

#[tokio::test]
async fn a_hostile_page_reads_and_changes_nothing_behind_the_proxy() {
    let server = Server::ephemeral();
    place_and_settle(&server).await;
    let proxy = Proxy::start(server.url(), server.url()).await;
    attack(&proxy.url).await;
    assert!(refused(server.url(), "cross-site-request").await >= 5);
}

/// Serves a part that answers every request with its name, and returns its URL.
async fn named_part(name: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(move || async move { name });
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn the_proxy_leads_to_the_part_that_serves_the_path_and_never_for_another_host() {
    let (intake, shop) = (named_part("order-intake").await, named_part("shop-api").await);
    let proxy = Proxy::start(&intake, &shop).await;
    for (path, part) in [
        ("/", "shop-api"),
        ("/console.js", "shop-api"),
        ("/console.css", "shop-api"),
        ("/api/v1/live", "shop-api"),
        ("/api/v1/products/MUG", "shop-api"),
        ("/api/v1/admin/consumers", "shop-api"),
        ("/webhooks/stripe", "shop-api"),
        ("/api/v1/orders", "order-intake"),
        ("/api/v1/orders/1/events", "order-intake"),
        ("/api/v1/admin/cache/warmup", "order-intake"),
        ("/health/ready", "order-intake"),
        ("/docs", "order-intake"),
        ("/docs/page.js", "order-intake"),
        ("/openapi.json", "order-intake"),
    ] {
        let url = format!("{}{path}", proxy.url);
        assert_eq!(Client::new().get(&url).send().await.unwrap().text().await.unwrap(), part, "{path}");
        let foreign = Client::new().get(&url).header("host", SITE).send().await.unwrap();
        assert_eq!(foreign.status(), 421, "{path}");
    }
}

/// The proxy of `docker-compose.yml`, with one server for all parts, or one for each part that it leads to; ended when dropped.
struct Proxy {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Proxy {
    async fn start(order_intake: &str, shop_api: &str) -> Self {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let [order_intake, shop_api] =
            [order_intake, shop_api].map(|url| url.strip_prefix("http://").unwrap());
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker/Caddyfile");
        let text = std::fs::read_to_string(file).unwrap();
        let text = text.replace("order-intake:8080", order_intake).replace("shop-api:8080", shop_api);
        let text = text.replace("\n:8080 {", &format!("\n:{port} {{\n\tbind 127.0.0.1"));
        let folder = tempfile::tempdir().unwrap();
        let config: PathBuf = folder.path().join("Caddyfile");
        std::fs::write(&config, text).unwrap();
        let program = std::env::var("ORDERFLOW_CADDY").unwrap_or_else(|_| "caddy".to_owned());
        let process = Command::new(program)
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&config)
            .env("HOME", folder.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let proxy = Self { process, url: format!("http://127.0.0.1:{port}"), _folder: folder };
        let deadline = Instant::now() + PATIENCE;
        while Client::new().get(format!("{}/health", proxy.url)).send().await.is_err() {
            assert!(Instant::now() < deadline, "the proxy does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}
