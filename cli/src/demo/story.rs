//! The steps of the demo.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::error::DemoError;
use super::mail::UNKNOWN_DOMAIN;
use super::screen::{Screen, members};
use super::shop::DemoShop;
use crate::client::http::ApiRequest;

/// How many orders are in flight when the process is killed.
const ORDERS_AT_KILL: usize = 20;

/// The product of these orders.
const SKU_AT_KILL: &str = "PRODUCT-002";

type Played = Result<(), DemoError>;

/// Plays all steps.
///
/// # Errors
/// That of the first step that does not end as its text says.
pub(super) async fn play(screen: &mut Screen<'_>, shop: &mut DemoShop) -> Played {
    first_order(screen, shop).await?;
    let waiting = provider_down(screen, shop).await?;
    retries(screen, shop).await?;
    recovery(screen, shop, &waiting).await?;
    poison_message(screen, shop).await?;
    kill(screen, shop).await?;
    closing(screen)
}

async fn first_order(screen: &mut Screen<'_>, shop: &DemoShop) -> Played {
    screen.step("A whole shop in one process").await?;
    screen.say(&format!(
        "It listens on {}, with its data in a temporary folder: API, broker, database and five consumers. A customer orders two T-shirts.",
        shop.url()
    ))?;
    let placed =
        shop.show(screen, &order("C100", "c100@example.com", "TSHIRT-BLK-M", 2), &["id", "status"]).await?;
    let (order, id) = (read_order(&placed), id_of(&placed));
    shop.until("the order is confirmed", &order, |order| order["status"] == "confirmed").await?;
    screen.say("The answer came at once. The rest happened by events:")?;
    let timeline = order.below("events");
    let events: Value = shop.send(&timeline).await?.decode()?;
    let types = events["events"].as_array().into_iter().flatten().filter_map(|event| event["type"].as_str());
    screen.request(&timeline)?;
    screen.answer(StatusCode::OK, &types.collect::<Vec<_>>().join(", "))?;
    let sent = shop
        .until("the customer is notified", &of_order("notifications", &id), |list| {
            list["notifications"][0]["status"] == "sent"
        })
        .await?;
    let template = sent["notifications"][0]["template"].as_str().unwrap_or_default();
    screen.seen(&format!("The stock is reserved, the card charged, the mail {template} sent: confirmed."))?;
    Ok(())
}

async fn provider_down(screen: &mut Screen<'_>, shop: &DemoShop) -> Result<Vec<Value>, DemoError> {
    screen.step("The payment provider goes down").await?;
    screen.say("From now on each call to it fails. Three customers order all the same.")?;
    shop.show(screen, &payment_fault("down"), &["payment"]).await?;
    let mut waiting = Vec::new();
    for customer in ["C201", "C202", "C203"] {
        let email = format!("{}@example.com", customer.to_lowercase());
        waiting.push(shop.show(screen, &order(customer, &email, "PRODUCT-003", 1), &["id", "status"]).await?);
    }
    for placed in &waiting {
        shop.until("the stock is reserved", &read_order(placed), |order| order["status"] == "reserved")
            .await?;
    }
    screen.seen("All three are accepted. Their stock is reserved; no money has moved.")?;
    Ok(waiting)
}

async fn retries(screen: &mut Screen<'_>, shop: &DemoShop) -> Played {
    const OPEN: &str = r#"circuit_breaker_state{breaker="payment-gateway"} 2"#;
    screen.step("It retries, then it stops asking").await?;
    screen.say("Each failed call is retried with a growing delay. After five failures in a row the circuit breaker opens (2): messages wait without a call, and no attempt is counted.")?;
    screen.does("GET /metrics")?;
    let metrics = shop.until_metric(OPEN).await?;
    let retried = r#"deliveries_total{consumer="payment",outcome="retried"}"#;
    for line in metrics.lines().filter(|line| *line == OPEN || line.starts_with(retried)) {
        screen.say(line)?;
    }
    let queues = ApiRequest::list("admin/queues");
    let waits = |queues: &Value| {
        let payment = queue_of(queues, "payment");
        payment["delayed"] == 3 && payment["dead"] == 0
    };
    let queues = shop.until("three messages wait, and none is dead-lettered", &queues, waits).await?;
    screen.does("GET /api/v1/admin/queues")?;
    let counts = ["consumer", "ready", "in_flight", "delayed", "dead"];
    screen.say(&members(&queue_of(&queues, "payment"), &counts))?;
    screen.seen("Three messages wait for their next try. None is lost or given up.")?;
    Ok(())
}

async fn recovery(screen: &mut Screen<'_>, shop: &DemoShop, waiting: &[Value]) -> Played {
    screen.step("The provider comes back").await?;
    screen.say(
        "Nothing else has to be done: the circuit breaker tries one call, and closes when it succeeds.",
    )?;
    shop.show(screen, &payment_fault("ok"), &["payment"]).await?;
    for placed in waiting {
        shop.until("the order is confirmed", &read_order(placed), |order| order["status"] == "confirmed")
            .await?;
        shop.until("the order is charged once", &of_order("payments", &id_of(placed)), charged_once).await?;
    }
    if let Some(last) = waiting.last() {
        shop.show(screen, &read_order(last), &["id", "status"]).await?;
    }
    screen.seen("All three orders are confirmed, and each was charged once.")?;
    Ok(())
}

async fn poison_message(screen: &mut Screen<'_>, shop: &DemoShop) -> Played {
    screen.step("A message that can never be sent").await?;
    screen.say("A customer mistypes an address. The order does not depend on it and is confirmed, but the mail server refuses the mail permanently.")?;
    let email = format!("c300@{UNKNOWN_DOMAIN}");
    let placed = shop.show(screen, &order("C300", &email, "PRODUCT-001", 1), &["id", "status"]).await?;
    shop.until("the order is confirmed", &read_order(&placed), |order| order["status"] == "confirmed")
        .await?;
    let list = ApiRequest::list("admin/dead-letters/notification");
    let found = shop
        .until("the mail is dead-lettered", &list, |list| {
            list["dead_letters"][0]["code"] == "message-refused"
        })
        .await?;
    let letter = &found["dead_letters"][0];
    let id = letter["id"].as_str().unwrap_or_default();
    let member = format!("/api/v1/admin/dead-letters/notification/{id}");
    shop.show(screen, &ApiRequest::new(Method::GET, member.clone()), &["code", "reason", "attempts"]).await?;
    screen.seen("It is kept as a dead letter, with the reason, until a person decides.")?;

    screen.step("The message is edited and replayed").await?;
    screen.say("The address is corrected in the event, and the event goes back to its queue.")?;
    let corrected = letter["event"].to_string().replace(UNKNOWN_DOMAIN, "example.com");
    let event: Value = serde_json::from_str(&corrected).unwrap_or_default();
    let corrected = ApiRequest::new(Method::PUT, member.clone());
    screen.request(&corrected)?;
    shop.send(&corrected.json(&event)).await?;
    let replay = ApiRequest::new(Method::POST, "/api/v1/admin/dead-letters/notification/replay");
    shop.show(screen, &replay.json(&json!({"ids": [id]})), &["replayed"]).await?;
    let of_this = of_order("notifications", &id_of(&placed));
    let sent = |list: &Value| {
        list["notifications"][0]["status"] == "sent" && shop.mail.accepted_for("c300@example.com") == 1
    };
    let notified = shop.until("the mail server has accepted the mail", &of_this, sent).await?;
    let recipient = notified["notifications"][0]["recipient"].as_str().unwrap_or_default();
    shop.until("no dead letter is left", &list, |list| list["dead_letters"] == json!([])).await?;
    screen.seen(&format!("The mail server has accepted the mail to {recipient}, once."))?;
    Ok(())
}

async fn kill(screen: &mut Screen<'_>, shop: &mut DemoShop) -> Played {
    screen.step("kill -9 in the middle of the work").await?;
    screen.say(&format!(
        "The provider takes two seconds for each answer. {ORDERS_AT_KILL} orders arrive, and while their charges are under way the process is killed."
    ))?;
    shop.show(screen, &payment_fault("slow"), &["payment"]).await?;
    let request = order("C400", "c400@example.com", SKU_AT_KILL, 1);
    for number in 0..ORDERS_AT_KILL {
        if number == 0 {
            screen.request(&request)?;
        }
        shop.send(&request).await?;
    }
    let list = ApiRequest::list("orders").query("customer_id", Some("C400")).query("limit", Some(100));
    let reserved = |list: &Value| count(list, "reserved") + count(list, "confirmed") == ORDERS_AT_KILL;
    let before = shop.until("the stock of all orders is reserved", &list, reserved).await?;
    screen.say(&format!(
        "Accepted: {ORDERS_AT_KILL} orders. Confirmed so far: {}. Waiting for the provider: {}.",
        count(&before, "confirmed"),
        count(&before, "reserved")
    ))?;
    screen.does(&format!("kill -9 {}", shop.pid()))?;
    shop.kill();
    screen.does("orderflow up --data-dir FOLDER     (the same folder)")?;
    shop.restart()?;
    let all = |list: &Value| count(list, "confirmed") == ORDERS_AT_KILL;
    let after = shop.until("every order is confirmed", &list, all).await?;
    for placed in after["orders"].as_array().into_iter().flatten() {
        shop.until("the order is charged once", &of_order("payments", &id_of(placed)), charged_once).await?;
    }
    let stock = ApiRequest::list(&format!("inventory/{SKU_AT_KILL}"));
    let stock = shop.show(screen, &stock, &["sku", "available", "reserved"]).await?;
    if stock["reserved"] != ORDERS_AT_KILL {
        let expected = "each order has reserved one unit";
        return Err(DemoError::Unexpected { expected, waited: std::time::Duration::ZERO, last: stock });
    }
    screen.seen(&format!(
        "All {ORDERS_AT_KILL} orders are confirmed, each charged once, and the stock adds up. Nothing was lost, nothing was done twice."
    ))?;
    Ok(())
}

fn closing(screen: &mut Screen<'_>) -> Played {
    screen.say("")?;
    screen.say("The temporary shop is deleted. Start your own, and open http://127.0.0.1:8080:")?;
    screen.does("orderflow up")?;
    Ok(())
}

fn order(customer: &str, email: &str, sku: &str, quantity: u32) -> ApiRequest {
    ApiRequest::new(Method::POST, "/api/v1/orders").json(&json!({
        "customer_id": customer,
        "email": email,
        "items": [{"sku": sku, "quantity": quantity}],
    }))
}

fn payment_fault(fault: &str) -> ApiRequest {
    ApiRequest::new(Method::PUT, "/api/v1/admin/faults").json(&json!({ "payment": fault }))
}

fn id_of(order: &Value) -> String {
    order["id"].as_str().unwrap_or_default().to_owned()
}

fn read_order(order: &Value) -> ApiRequest {
    ApiRequest::list(&format!("orders/{}", id_of(order)))
}

fn of_order(collection: &str, id: &str) -> ApiRequest {
    ApiRequest::list(collection).query("order_id", Some(id))
}

fn charged_once(list: &Value) -> bool {
    list["payments"]
        .as_array()
        .is_some_and(|payments| payments.len() == 1 && payments[0]["status"] == "completed")
}

fn count(list: &Value, status: &str) -> usize {
    list["orders"].as_array().into_iter().flatten().filter(|order| order["status"] == status).count()
}

fn queue_of(queues: &Value, consumer: &str) -> Value {
    let queues = queues["queues"].as_array().into_iter().flatten();
    queues.into_iter().find(|queue| queue["consumer"] == consumer).cloned().unwrap_or_default()
}
