//! The script that sells the demo products.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::Server;

/// A command that finds the program by its name, and by itself the server.
fn beside(server: &Server, program: impl AsRef<Path>) -> Command {
    let folder = Path::new(env!("CARGO_BIN_EXE_orderflow")).parent().unwrap();
    let mut folders = vec![folder.to_path_buf()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = Command::new(program.as_ref());
    command.env("PATH", std::env::join_paths(folders).unwrap()).env("ORDERFLOW_URL", server.url());
    command.stdout(Stdio::null());
    command
}

#[tokio::test]
async fn a_product_that_was_removed_stays_removed() {
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
