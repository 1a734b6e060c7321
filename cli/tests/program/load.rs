//! Many concurrent orders.

use futures::StreamExt;
use serde_json::json;

use crate::server::Server;

/// 200 concurrent orders for a product with 100 units.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_200_orders_for_100_units_100_are_confirmed() {
    let server = Server::ephemeral();
    let customers: Vec<String> = (0..200).map(|number| format!("C{number}")).collect();
    let placed = futures::stream::iter(&customers).map(|customer| server.place("TSHIRT-BLK-M", customer));
    let placed: Vec<_> = placed.buffer_unordered(200).collect().await;
    assert_eq!(placed.iter().flatten().count(), 200);
    server
        .wait_until("every order ended", async |server| {
            server.orders("&status=confirmed").await.len() + server.orders("&status=rejected").await.len()
                == 200
        })
        .await;
    assert_eq!(server.orders("&status=confirmed").await.len(), 100);
    let rejected = server.orders("&status=rejected").await;
    assert!(rejected.iter().all(|order| order["reason"] == "out_of_stock"));
    let level = server.get("/api/v1/inventory/TSHIRT-BLK-M").await;
    assert_eq!(level, json!({"sku": "TSHIRT-BLK-M", "available": 0, "reserved": 100}));
}

/// Orders each of 100 new products with the request after the one that adds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_product_can_be_ordered_at_once() {
    let server = Server::ephemeral();
    for number in 0..100 {
        let sku = format!("NEW-{number}");
        let body = json!({"sku": sku, "name": sku, "price": {"amount": 100, "currency": "USD"}, "stock": 1});
        assert_eq!(server.post("/api/v1/products", &body).await, 201);
        assert!(server.place(&sku, "C1").await.is_some());
    }
    server
        .wait_until("all are confirmed", async |server| server.orders("&status=confirmed").await.len() == 100)
        .await;
}
