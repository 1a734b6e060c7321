//! `/health`, `/health/live`, `/health/ready` and `orderflow health`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use orderflow_testing::program::{Launch, Signal};
use serde_json::{Value, json};

use crate::server::{Server, up};

/// The time within which every health route answers.
const ANSWERS: Duration = Duration::from_secs(2);

/// The time within which a full disk is noticed.
const NOTICED: Duration = Duration::from_secs(10);

/// How long a full disk is watched: longer than a check of the store counts.
const CHECKED_FOR: Duration = Duration::from_secs(3);

/// Returns status and body, and checks that the answer came in time.
async fn health(server: &Server, path: &str) -> (u16, Value) {
    let started = Instant::now();
    let (status, body) = server.answer(path).await;
    assert!(started.elapsed() < ANSWERS, "{path} took {:?}: {body}", started.elapsed());
    (status, body)
}

/// Returns the exit code and the output of `orderflow health`.
fn shown(server: &Server, arguments: &[&str]) -> (i32, String) {
    let arguments = ["health", "--url", server.url()].iter().chain(arguments).copied().collect::<Vec<_>>();
    let run = Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).run();
    (run.code, run.out)
}

#[tokio::test]
async fn a_working_system_lists_its_parts() {
    let server = Server::ephemeral();
    server.place("PRODUCT-002", "C1").await.unwrap();
    server
        .wait_until("the order is paid", async |server| {
            let (_, body) = health(server, "/health").await;
            body["parts"]["payment"]["last_success"].is_string()
        })
        .await;
    let (status, body) = health(&server, "/health").await;
    assert_eq!((status, &body["status"]), (200, &json!("healthy")));
    let services = json!({"store": "up", "broker": "up", "order-expiry": "up", "payment-gateway": "up"});
    assert_eq!(body["services"], services);
    for part in ["order-intake", "shop-api", "outbox-relay", "order-tracker", "notification", "analytics"] {
        assert_eq!(body["parts"][part]["state"], "running", "{part}: {body}");
    }
    let (code, output) = shown(&server, &[]);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("payment            running"), "{output}");
    assert_eq!(shown(&server, &["--ready"]), (0, "ready\n".to_owned()));
}

#[tokio::test]
async fn a_stopped_consumer_makes_the_system_degraded() {
    let server = Server::ephemeral();
    server.put("/api/v1/admin/faults", &json!({"stopped": ["payment"]})).await;
    server.place("PRODUCT-002", "C1").await.unwrap();
    server
        .wait_until("a message waits", async |server| {
            let (_, body) = health(server, "/health").await;
            body["parts"]["payment"]["waiting"] == 1
        })
        .await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let (status, body) = health(&server, "/health").await;
    assert_eq!((status, &body["status"]), (200, &json!("degraded")), "{body}");
    let payment = &body["parts"]["payment"];
    assert_eq!(payment["state"], "stopped");
    assert!(payment["oldest_waiting_seconds"].as_f64() > Some(0.0), "{body}");
    let (code, output) = shown(&server, &[]);
    assert_eq!(code, 3, "{output}");
    assert!(output.contains("payment            stopped"), "{output}");
    assert_eq!(health(&server, "/health/ready").await.0, 200);
    server.put("/api/v1/admin/faults", &json!({"stopped": []})).await;
    server
        .wait_until("it recovers", async |server| health(server, "/health").await.1["status"] == "healthy")
        .await;
}

#[tokio::test]
async fn a_provider_that_is_away_makes_the_system_degraded() {
    let server = Server::ephemeral();
    server.put("/api/v1/admin/faults", &json!({"payment": "down"})).await;
    for customer in 0..10 {
        server.place("PRODUCT-002", &format!("C{customer}")).await.unwrap();
    }
    server
        .wait_until("provider and part are shown", async |server| {
            let (status, body) = health(server, "/health").await;
            assert_eq!(status, 200, "{body}");
            body["services"]["payment-gateway"] == "degraded"
                && body["parts"]["payment"]["state"] == "failing"
        })
        .await;
    let (_, body) = health(&server, "/health").await;
    assert!(body["parts"]["payment"]["since"].is_string(), "{body}");
    assert!(body["reasons"]["payment-gateway"].is_string(), "{body}");
    let (code, output) = shown(&server, &[]);
    assert_eq!(code, 3, "{output}");
    server.put("/api/v1/admin/faults", &json!({"payment": "ok"})).await;
    server
        .wait_until("it recovers", async |server| health(server, "/health").await.1["status"] == "healthy")
        .await;
}

#[tokio::test]
async fn health_answers_while_the_store_hangs() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["store", "--port", "0", "--data-dir", data.path().to_str().unwrap()];
    let store = Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).start();
    let server = Server::start(up(&["--port", "0", "--dynamodb-endpoint", store.url()]));
    assert_eq!(health(&server, "/health").await.0, 200);
    store.signal(Signal::STOP);
    for _ in 0..3 {
        let (status, body) = health(&server, "/health").await;
        if status == 503 {
            assert_eq!(body["services"]["store"], "down", "{body}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(health(&server, "/health").await.0, 503);
    assert_eq!(health(&server, "/health/ready").await.0, 503);
    assert_eq!(health(&server, "/health/live").await.0, 200);
    assert_eq!(shown(&server, &["--ready"]), (1, "not_ready\n".to_owned()));
    store.signal(Signal::CONT);
    server.wait_until("it recovers", async |server| health(server, "/health").await.0 == 200).await;
}

/// A file system of its own, in memory; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts the file system at an empty folder. `None` if this user may not mount.
    fn mount(at: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(at);
        let mounted = mount.status().is_ok_and(|status| status.success());
        mounted.then(|| Self(at.to_owned()))
    }

    /// Fills what is free.
    fn fill(&self) {
        // Writing fails once the disk is full.
        let _ = std::fs::write(self.0.join("filler"), vec![1; 16 << 20]);
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_down_and_everything_continues_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        eprintln!("not shown here: this user may not mount a file system");
        return;
    };
    let server = Server::on(&folder.path().join("data"));
    let mut accepted = Vec::new();
    accepted.extend(server.place("PRODUCT-002", "C1").await);
    assert_eq!(accepted.len(), 1);
    disk.fill();
    let full = Instant::now();
    let mut refused = 0;
    loop {
        match server.place("PRODUCT-002", "C1").await {
            Some(order) => accepted.push(order),
            None => refused += 1,
        }
        let (status, body) = health(&server, "/health").await;
        if refused > 0 && status == 503 {
            assert_eq!(body["services"]["store"], "down", "{body}");
            break;
        }
        assert!(full.elapsed() < NOTICED, "{refused} refused, {body}");
    }
    // It stays down as long as the disk is full, however often it is checked.
    let down = Instant::now();
    while down.elapsed() < CHECKED_FOR {
        assert_eq!(server.place("PRODUCT-002", "C1").await, None);
        assert_eq!(health(&server, "/health").await.0, 503);
        assert_eq!(health(&server, "/health/ready").await.0, 503);
    }
    // Each kind of failure is one line, not each request.
    let log = server.log();
    let lines = |message: &str| log.lines().filter(|line| line.contains(message)).count();
    assert!((1..=3).contains(&lines("\"a request failed\"")), "{log}");
    assert!(lines("decision not stored") <= 3 && lines("\"writes fail\"") <= 3, "{log}");
    disk.free();
    server.wait_until("it recovers", async |server| health(server, "/health").await.0 == 200).await;
    accepted.push(server.place("PRODUCT-002", "C1").await.unwrap());
    server
        .wait_until("every accepted order is settled", async |server| {
            let orders = server.orders("&status=confirmed").await;
            orders.len() == accepted.len()
        })
        .await;
    assert!(server.stop().success());
}
