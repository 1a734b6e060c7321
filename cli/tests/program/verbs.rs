//! The commands of operators against a running system.

use serde_json::{Value, json};

use crate::server::Server;

/// Runs a command that succeeds, and returns the JSON that it prints.
fn printed(server: &Server, arguments: &str) -> Value {
    let arguments: Vec<&str> = arguments.split(' ').chain(["--json"]).collect();
    let run = server.client(&arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    serde_json::from_str(&run.out).unwrap()
}

async fn wait_for(server: &Server, order: &str, status: &str) {
    let has_status =
        async |server: &Server| server.get(&format!("/api/v1/orders/{order}")).await["status"] == status;
    server.wait_until(status, has_status).await;
}

#[tokio::test]
async fn orders_that_wait_are_resent_and_cancelled_by_filters() {
    let server = Server::ephemeral();
    let faults = printed(&server, "faults set --payment down --stop analytics");
    assert_eq!(faults, json!({"payment": "down", "stopped": ["analytics"]}));
    let mut orders = Vec::new();
    for customer in ["C1", "C1", "C2"] {
        orders.push(server.place("PRODUCT-002", customer).await.unwrap());
    }
    for order in &orders {
        wait_for(&server, order, "reserved").await;
    }
    let queues = printed(&server, "queues");
    let waiting =
        queues["queues"].as_array().unwrap().iter().find(|queue| queue["consumer"] == "payment").unwrap();
    let counts = ["ready", "in_flight", "delayed"].map(|state| waiting[state].as_u64().unwrap());
    assert_eq!(counts.iter().sum::<u64>(), 3, "{queues}");

    let preview = printed(&server, "order resend --status reserved --dry-run");
    assert_eq!(preview, json!({"would_resend": 3}));
    assert_eq!(
        printed(&server, "order resend --status reserved --customer C1"),
        json!({"resent": 2, "skipped": 0})
    );
    assert_eq!(printed(&server, &format!("order resend {}", orders[2]))["status"], "reserved");
    assert_eq!(printed(&server, "order cancel --older-than 1h --yes"), json!({"cancelled": 0, "skipped": 0}));
    assert_eq!(printed(&server, "order cancel --customer C1 --yes"), json!({"cancelled": 2, "skipped": 0}));

    assert_eq!(printed(&server, "faults clear"), json!({"payment": "ok", "stopped": []}));
    wait_for(&server, &orders[2], "confirmed").await;
    let settled = server.client(&["order", "resend", &orders[2]]);
    assert!(settled.code == 0 && settled.err.contains("nothing to resend"), "{settled:?}");
    let payments = server.get(&format!("/api/v1/payments?order_id={}", orders[2])).await;
    assert_eq!(payments["payments"].as_array().unwrap().len(), 1, "{payments}");
}

#[tokio::test]
async fn the_messages_about_an_order_are_sent_again() {
    let server = Server::ephemeral();
    let order = server.place("PRODUCT-001", "C1").await.unwrap();
    let path = format!("/api/v1/notifications?order_id={order}");
    let is_notified = async |server: &Server| server.get(&path).await["notifications"][0]["status"] == "sent";
    server.wait_until("the customer is notified", is_notified).await;
    assert_eq!(printed(&server, "notification resend --customer C1 --dry-run"), json!({"would_resend": 1}));
    assert_eq!(printed(&server, &format!("notification resend --order {order}")), json!({"resent": 1}));
    let counted = async |server: &Server| {
        let series = printed(server, "analytics series --bucket minute");
        let points = series["series"].as_array().unwrap().iter();
        points.map(|point| point["confirmed"].as_i64().unwrap()).sum::<i64>() == 1
    };
    server.wait_until("the order is counted", counted).await;
    let chart = server.client(&["analytics", "series"]);
    assert!(chart.out.starts_with("orders placed by the hour, 1 in all\n"), "{chart:?}");
}
