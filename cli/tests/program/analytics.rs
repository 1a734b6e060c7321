//! `orderflow analytics rebuild`.

use std::path::Path;

use orderflow_testing::program::{Launch, Run};

use crate::server::Server;

fn rebuild(data: &Path) -> Run {
    let arguments = ["analytics", "rebuild", "--data-dir", data.to_str().unwrap()];
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), arguments).run()
}

async fn total_orders(server: &Server) -> i64 {
    server.get("/api/v1/analytics/summary").await["total_orders"].as_i64().unwrap()
}

#[tokio::test]
async fn a_rebuild_counts_the_orders_of_a_data_directory_that_is_not_in_use() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path());
    server.put("/api/v1/admin/faults", &serde_json::json!({"stopped": ["analytics"]})).await;
    for _ in 0..3 {
        server.place("PRODUCT-001", "C1").await.unwrap();
    }
    assert_eq!(total_orders(&server).await, 0);

    let refused = rebuild(data.path());
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(data.path().to_str().unwrap()), "{}", refused.err);

    assert!(server.stop().success());
    let rebuilt = rebuild(data.path());
    assert_eq!((rebuilt.code, rebuilt.out.as_str()), (0, "orders counted: 3\n"));
    let line = r#""operation":"analytics rebuild","on":"prefix=orderflow","outcome":"done""#;
    assert_eq!(rebuilt.err.matches(line).count(), 1, "{}", rebuilt.err);

    // The consumer now receives the events that waited in its queue.
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
