//! The script `docker/seed`, which adds the demo products.

use std::process::{Command, Stdio};

use orderflow_testing::program::path_with;

use crate::server::Server;

/// Returns a command that finds `orderflow` in its `PATH` and the server in `ORDERFLOW_URL`.
fn beside(server: &Server, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("PATH", path_with(env!("CARGO_BIN_EXE_orderflow").as_ref()))
        .env("ORDERFLOW_URL", server.url());
    command.stdout(Stdio::null());
    command
}

#[tokio::test]
async fn the_script_does_not_add_removed_products_again() {
    let server = Server::ephemeral();
    server
        .wait_until("it has stock", async |server| {
            server.try_get("/api/v1/inventory/PRODUCT-002").await.is_some()
        })
        .await;
    let mut remove = beside(&server, env!("CARGO_BIN_EXE_orderflow"));
    assert!(remove.args(["product", "remove", "PRODUCT-002"]).status().unwrap().success());

    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/../docker/seed");
    assert!(beside(&server, seed).status().unwrap().success());
    let listed = server.get("/api/v1/products").await;
    let skus: Vec<_> = listed["products"].as_array().unwrap().iter().map(|product| &product["sku"]).collect();
    assert_eq!(skus, ["PRODUCT-001", "PRODUCT-003", "TSHIRT-BLK-M", "TSHIRT-GRY-S"]);
}
