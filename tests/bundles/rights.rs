//! Checks that the bundles use every right in template.yaml. That they need no other right is checked by every test of this suite: the
//! recorder refuses requests that a role does not allow.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use orderflow_analytics::ANALYTICS;
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_payments::PAYMENTS;
use orderflow_store::{Value as Attribute, Write};
use serde_json::{Value, json};

use crate::api::Api;
use crate::calls::Call;
use crate::expiry::scheduled_event;
use crate::facts::{
    inventory_reserved, order_body, order_confirmed, order_placed, product_body, product_created,
};
use crate::order::{Platform, notifications};
use crate::policy::{covers, policies};
use crate::queues::{POISON, new_id, refuse_writes_about};
use crate::relay::write_garbage;
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_right_that_a_role_gives_is_used() {
    let world = World::open().await;
    let shop = Api(world.start("shop-api").await);
    // A cache of prices would hide the requests that read them.
    let intake = Api(world.start_with("order-intake", &[("CATALOG_CACHE_TTL", "0s")]).await);
    run_the_shop(&shop, &intake).await;
    send_by_ses_and_sns(&world).await;
    fail_to_send(&world).await;
    expire_an_order(&world, &intake).await;
    let mut platform = Platform::start(&world).await;
    fill_buffers(&world).await;
    settle_orders(&world, &mut platform, &shop, &intake).await;
    export_and_forget(&world, &mut platform, &shop).await;
    send_poison(&world, &mut platform, &shop).await;
    correct_dead_letters(&shop).await;
    read_analytics(&shop).await;

    let recording = world.recording.lock().unwrap();
    assert!(recording.refused.is_empty(), "their roles lack {:#?}", recording.refused);
    let mut unused = Vec::new();
    for (bundle, policy) in policies() {
        let asked_for = recording.allowed.iter().filter(|(who, _)| *who == bundle).map(|(_, call)| call);
        let used: Vec<&Call> = asked_for.chain(&policy.for_triggers).collect();
        let is_unused = |right: &&Call| !used.iter().any(|call| covers(right, call));
        unused.extend(policy.rights.iter().filter(is_unused).map(|right| (bundle.clone(), right.clone())));
        for call in &policy.for_triggers {
            assert!(policy.allows(call), "the trigger of {bundle} needs {call:?}");
        }
    }
    assert!(unused.is_empty(), "unused rights: {unused:#?}");
}

/// Sends the requests of a shop's staff.
async fn run_the_shop(shop: &Api, intake: &Api) {
    shop.post("/api/v1/products", &product_body("MUG", 50)).await.expect(201);
    shop.post("/api/v1/products", &product_body("CUP", 1)).await.expect(201);
    shop.get("/api/v1/products").await.expect(200);
    shop.get("/api/v1/products/MUG").await.expect(200);
    shop.post("/api/v1/inventory/MUG", &json!({"adjust": -1})).await.expect(200);
    shop.get("/api/v1/inventory").await.expect(200);
    shop.get("/api/v1/inventory/CUP").await.expect(200);
    intake.post("/api/v1/admin/cache/warmup", &json!({})).await.expect(200);
    let message = json!({
        "channel": "email",
        "recipient": "c100@example.com",
        "template": "order_confirmation",
        "variables": {"orderId": "1", "total": "5.00 USD"},
    });
    let requested = shop.post("/api/v1/notifications", &message).await.expect(202);
    shop.get(&format!("/api/v1/notifications/{}", requested["id"].as_str().unwrap())).await.expect(200);
}

/// Sends messages with AWS's providers.
async fn send_by_ses_and_sns(world: &World) {
    world.cloud.verify_sender("shop.example").await;
    let from = ("MAIL_FROM", "Shop <orders@shop.example>");
    let variables = [("MAIL_PROVIDER", "ses"), ("SMS_PROVIDER", "sns"), from];
    let function = world.start_with("notification", &variables).await;
    let mut event: Value = serde_json::from_str(&order_confirmed(&new_id()).to_json()).unwrap();
    event["data"]["phone"] = json!("+4930123456");
    let answer = function.invoke(&batch_of(&event.to_string())).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

/// No mail server answers, so the function returns its claim on the notification.
async fn fail_to_send(world: &World) {
    let variables = [("MAIL_PROVIDER", "smtp"), ("SMTP_URL", "smtp://127.0.0.1:1")];
    let function = world.start_with("notification", &variables).await;
    let answer = function.invoke(&batch_of(&order_confirmed(&new_id()).to_json())).await.unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(1), "{answer}");
}

fn batch_of(event: &str) -> Value {
    json!({"Records": [{"messageId": "m1", "body": event, "eventSource": "orderflow:amqp"}]})
}

async fn expire_an_order(world: &World, intake: &Api) {
    let expiry = world.start_with("order-expiry", &[("ORDER_EXPIRES_AFTER", "2s")]).await;
    let id = place(intake, &order_body("MUG", 1)).await;
    let started = Instant::now();
    while status(intake, &id).await != "cancelled" {
        assert!(started.elapsed() < PATIENCE, "{id} is never cancelled");
        expiry.invoke(&scheduled_event()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Fills the buffers of analytics, so that the next order flushes one into the counters.
async fn fill_buffers(world: &World) {
    let table = world.store.table(&ANALYTICS);
    let counts: BTreeMap<String, &str> =
        (0..99).map(|number| (format!("#A-SKU-THAT-IS-LONG-{number:02}"), "1")).collect();
    for shard in 0..16 {
        let buffer = json!({"pk": format!("buffer#0#{shard}"), "sk": "buffer", "version": 1,
            "updated_at": "2026-01-31T12:00:00Z", "counts": counts});
        world.store.write(Write::put(&table, &buffer).unwrap()).await.unwrap();
    }
}

/// Exports and forgets the customer of all orders, once these are settled.
async fn export_and_forget(world: &World, platform: &mut Platform, shop: &Api) {
    let customer = "/api/v1/customers/C100";
    let started = Instant::now();
    while shop.delete(customer).await.status == 409 {
        assert!(started.elapsed() < PATIENCE, "the orders are never settled");
        platform.step(world).await;
    }
    let exported = shop.get(customer).await.expect(200);
    assert!(!exported["orders"].as_array().unwrap().is_empty(), "{exported}");
    let mut path = customer.to_owned();
    loop {
        let answer = shop.delete(&path).await.expect(200);
        let Some(cursor) = answer["next_cursor"].as_str() else { break };
        path = format!("{customer}?cursor={cursor}");
    }
    assert!(!shop.get(customer).await.expect(200).to_string().contains("c100@example.com"));
}

/// One order is confirmed, one is declined and undone, one is out of stock, one is cancelled.
async fn settle_orders(world: &World, platform: &mut Platform, shop: &Api, intake: &Api) {
    let mut declined = order_body("MUG", 3);
    declined["payment_token"] = json!("tok_declined");
    let mut of_two_products = order_body("MUG", 1);
    of_two_products["items"] = json!([{"sku": "MUG", "quantity": 1}, {"sku": "CUP", "quantity": 1}]);
    let mut ids = Vec::new();
    for body in [order_body("MUG", 1), declined, order_body("CUP", 2), of_two_products] {
        ids.push(place(intake, &body).await);
    }
    intake.delete(&format!("/api/v1/orders/{}", ids[3])).await.expect(200);
    for filter in
        ["", "?customer_id=C100", "?status=pending", "?status=confirmed", "?status=rejected", "?sku=MUG"]
    {
        intake.get(&format!("/api/v1/orders{filter}")).await.expect(200);
    }
    let started = Instant::now();
    for id in &ids {
        while notifications(shop, id).await.is_empty() {
            assert!(started.elapsed() < PATIENCE, "no message about {id}");
            platform.step(world).await;
        }
        shop.get(&format!("/api/v1/payments?order_id={id}")).await.expect(200);
    }
    assert_eq!(status(intake, &ids[0]).await, "confirmed");
    refund_by_hand(world, shop, &ids[0]).await;
}

/// Retries a failed refund.
async fn refund_by_hand(world: &World, shop: &Api, order_id: &str) {
    let table = world.store.table(&PAYMENTS);
    let given_up = Attribute::S("refund_failed".to_owned());
    let position = Attribute::S(format!("2026-01-31T00:00:00.000Z#{order_id}"));
    let update = Write::update(&table, table.key(order_id)).set("status", given_up.clone());
    world.store.write(update.set("listed", given_up).set("listed_at", position)).await.unwrap();
    let failed = shop.get("/api/v1/payments?status=refund_failed").await.expect(200);
    assert_eq!(failed["payments"][0]["order_id"], order_id, "{failed}");
    let refunded = shop.post(&format!("/api/v1/payments/{order_id}/refund"), &json!({})).await.expect(200);
    assert_eq!(refunded["status"], "refunded", "{refunded}");
}

/// Sends a message that is retried and a poison message to each consumer and to the relay.
async fn send_poison(world: &World, platform: &mut Platform, shop: &Api) {
    let failing = new_id();
    refuse_writes_about(&world.embedded, &failing);
    let again =
        [order_placed(&new_id(), "UNHEARD-OF", 1), inventory_reserved(&failing), order_confirmed(&failing)];
    world.cloud.publish(&again).await;
    for row in SUBSCRIPTIONS {
        world.cloud.send(row.consumer, POISON).await;
    }
    write_garbage(world).await;
    let started = Instant::now();
    while dead(shop).await.contains(&0) {
        assert!(
            started.elapsed() < PATIENCE,
            "a poison message is not dead-lettered: {:?}",
            dead(shop).await
        );
        platform.step(world).await;
    }
}

async fn correct_dead_letters(shop: &Api) {
    const LETTERS: &str = "/api/v1/admin/dead-letters";
    let all = shop.get(LETTERS).await.expect(200);
    let letters = all["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), SUBSCRIPTIONS.len(), "{all}");
    for letter in letters {
        let text = |name: &str| letter[name].as_str().unwrap();
        let consumer = format!("{LETTERS}/{}", text("consumer"));
        let event = match text("consumer") {
            "inventory-reserve" => product_created("LATE", 1),
            "analytics" | "notification" => order_confirmed(&new_id()),
            _ => inventory_reserved(&new_id()),
        };
        let event: Value = serde_json::from_str(&event.to_json()).unwrap();
        shop.put(&format!("{consumer}/{}", text("id")), &event).await.expect(200);
        let answer = shop.post(&format!("{consumer}/replay"), &json!({"ids": [text("id")]})).await;
        assert_eq!(answer.expect(200), json!({"replayed": 1}));
    }
    assert_eq!(dead(shop).await, [0; SUBSCRIPTIONS.len()]);
}

/// Returns the number of dead letters of each consumer.
async fn dead(shop: &Api) -> Vec<u64> {
    let body = shop.get("/api/v1/admin/queues").await.expect(200);
    body["queues"].as_array().unwrap().iter().map(|queue| queue["dead"].as_u64().unwrap()).collect()
}

async fn read_analytics(shop: &Api) {
    shop.get("/api/v1/analytics/summary").await.expect(200);
    shop.get("/api/v1/analytics/series?bucket=hour").await.expect(200);
}

async fn place(intake: &Api, body: &Value) -> String {
    let order = intake.post("/api/v1/orders", body).await.expect(202);
    order["id"].as_str().unwrap().to_owned()
}

async fn status(intake: &Api, id: &str) -> String {
    let order = intake.get(&format!("/api/v1/orders/{id}")).await.expect(200);
    order["status"].as_str().unwrap().to_owned()
}
