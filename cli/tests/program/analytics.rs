//! `orderflow analytics rebuild`.

use std::path::Path;
use std::process::{Command, Output};

use crate::server::Server;

fn rebuild(data: &Path) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_orderflow"));
    program.args(["analytics", "rebuild", "--data-dir"]).arg(data).env_clear().output().unwrap()
}

async fn total_orders(server: &Server) -> i64 {
    server.get("/api/v1/analytics/summary").await["total_orders"].as_i64().unwrap()
}

#[tokio::test]
async fn a_rebuild_counts_the_orders_of_a_folder_that_nobody_works_on() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path());
    server.put("/api/v1/admin/faults", &serde_json::json!({"stopped": ["analytics"]})).await;
    for _ in 0..3 {
        server.place("PRODUCT-001", "C1").await.unwrap();
    }
    assert_eq!(total_orders(&server).await, 0);

    let refused = rebuild(data.path());
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains(data.path().to_str().unwrap()), "{said}");

    assert!(server.signal("TERM").success());
    let rebuilt = rebuild(data.path());
    assert_eq!(String::from_utf8(rebuilt.stdout).unwrap(), "orders counted: 3\n");
    assert!(rebuilt.status.success());

    // The events that waited meanwhile come now.
    let server = Server::on(data.path());
    server
        .wait_until("all are confirmed", async |server| server.orders("&status=confirmed").await.len() == 3)
        .await;
    server
        .wait_until("all are counted as confirmed", async |server| {
            server.get("/api/v1/analytics/summary").await["by_status"]["confirmed"] == 3
        })
        .await;
    assert_eq!(total_orders(&server).await, 3);
}
