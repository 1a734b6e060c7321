//! What customers and operators do, as requests.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::client::{Answer, Call};
use super::fault::Place;
use super::plan::{Action, Operation};
use super::provider::DECLINED_TOKEN;
use super::system::System;

/// How often an operator tries to forget a customer who has open orders, and the pause in between.
const FORGET_ATTEMPTS: u32 = 6;
const FORGET_PAUSE: Duration = Duration::from_secs(600);

/// The most calls that it takes to forget a customer.
const FORGET_CALLS_MAX: u32 = 60;

/// Starts the processes that carry out the operations at their times.
pub(super) fn start(system: &System, operations: &[Operation]) {
    for (number, operation) in operations.iter().enumerate() {
        let task = format!("operation {number}: {operation}");
        system.world.begin(&task);
        let (system, operation) = (system.clone(), operation.clone());
        system.world.spawner.spawn({
            let system = system.clone();
            async move {
                sleep(Duration::from_millis(u64::from(operation.at_ms))).await;
                carry_out(&system, &operation.action).await;
                system.world.finish(&task);
            }
        });
    }
}

async fn carry_out(system: &System, action: &Action) {
    match action {
        Action::Place { .. } => place(system, action).await,
        Action::Cancel { order } => {
            let orders = system.client.orders();
            if !orders.is_empty() {
                cancel(system, &orders[usize::from(*order) % orders.len()]).await;
            }
        }
        Action::PutProduct { sku, price, stock } => put_product(system, *sku, *price, *stock).await,
        Action::RemoveProduct { sku } => {
            let path = format!("/api/v1/products/{}", sku_of(*sku));
            system.client.send(&Call::new(Place::Shop, Method::DELETE, path)).await;
        }
        Action::SetStock { sku, available, key } => {
            correct(system, *sku, json!({"set": available}), *key).await;
        }
        Action::AdjustStock { sku, by, key } => correct(system, *sku, json!({"adjust": by}), *key).await,
        Action::Notify { customer, key } => notify(system, *customer, *key).await,
        Action::Forget { customer } => forget(system, *customer).await,
    }
}

fn sku_of(sku: u8) -> String {
    format!("SKU-{sku}")
}

fn customer_of(customer: u8) -> String {
    format!("C{customer}")
}

fn email_of(customer: u8) -> String {
    format!("customer{customer}@example.com")
}

async fn place(system: &System, action: &Action) {
    let Action::Place { customer, lines, key, declined, phone } = action else { return };
    let items: Vec<Value> =
        lines.iter().map(|(sku, quantity)| json!({"sku": sku_of(*sku), "quantity": quantity})).collect();
    let token = if *declined { DECLINED_TOKEN.to_owned() } else { format!("tok_of_customer{customer}") };
    let mut body = json!({
        "customer_id": customer_of(*customer),
        "email": email_of(*customer),
        "items": items,
        "payment_token": token,
    });
    if *phone {
        body["phone"] = json!(format!("+120255501{customer:02}"));
    }
    let call = Call::new(Place::Intake, Method::POST, "/api/v1/orders").with(body);
    let answer = system.client.send(&call.keyed(key.map(|key| format!("order-{key}")))).await;
    if let (Some(202), Some(id)) = (answer.status, answer.body["id"].as_str()) {
        system.client.accepted(id);
    }
}

/// Cancels an order.
pub(super) async fn cancel(system: &System, order: &str) -> Answer {
    let path = format!("/api/v1/orders/{order}");
    system.client.send(&Call::new(Place::Intake, Method::DELETE, path)).await
}

/// Adds a product, or changes the price of one that exists.
async fn put_product(system: &System, sku: u8, price: u32, stock: u32) {
    let price = json!({"amount": price, "currency": "USD"});
    let name = format!("Product {sku}");
    let body = json!({"sku": sku_of(sku), "name": name, "price": price, "stock": stock});
    let created = Call::new(Place::Shop, Method::POST, "/api/v1/products").with(body);
    for _ in 0..4 {
        let answer = system.client.send(&created).await;
        match answer.status {
            Some(409) => {
                let path = format!("/api/v1/products/{}", sku_of(sku));
                let changed = Call::new(Place::Shop, Method::PATCH, path).with(json!({"price": price}));
                system.client.send(&changed).await;
                return;
            }
            Some(status) if status < 500 => return,
            // The product may have been created. If so, the next answer says that it exists.
            _ => sleep(Duration::from_secs(1)).await,
        }
    }
}

async fn correct(system: &System, sku: u8, correction: Value, key: u16) {
    let path = format!("/api/v1/inventory/{}", sku_of(sku));
    let call = Call::new(Place::Shop, Method::POST, path).with(correction);
    system.client.send(&call.keyed(Some(format!("stock-{key}")))).await;
}

async fn notify(system: &System, customer: u8, key: u16) {
    let body = json!({
        "channel": "email",
        "recipient": email_of(customer),
        "template": "order_cancelled",
        "variables": {"orderId": format!("of customer {customer}"), "total": "USD 1.00", "reason": "customer"},
    });
    let call = Call::new(Place::Shop, Method::POST, "/api/v1/notifications").with(body);
    system.client.send(&call.keyed(Some(format!("notify-{key}")))).await;
}

/// Forgets a customer, as soon as no order is open.
async fn forget(system: &System, customer: u8) {
    for _ in 0..FORGET_ATTEMPTS {
        if forget_once(system, customer).await {
            return;
        }
        sleep(FORGET_PAUSE).await;
    }
}

/// Forgets a customer to the end. Returns whether that ended without a refusal.
async fn forget_once(system: &System, customer: u8) -> bool {
    let mut path = format!("/api/v1/customers/{}", customer_of(customer));
    for _ in 0..FORGET_CALLS_MAX {
        let answer = system.client.send(&Call::new(Place::Shop, Method::DELETE, path)).await;
        if answer.status != Some(200) {
            return false;
        }
        let Some(cursor) = answer.body["next_cursor"].as_str() else { return true };
        path = format!("/api/v1/customers/{}?cursor={cursor}", customer_of(customer));
    }
    false
}
