//! The bundles of consumers, each with a batch of a good, a failing and a poison message.

use std::sync::Arc;

use aws_sdk_sqs::types::Message;
use orderflow_domain::{Event, OrderId};
use orderflow_embedded::{Embedded, Fault};
use orderflow_messaging::MessageField;
use orderflow_testing::Error;
use orderflow_testing::rie::RuntimeEmulator;
use serde_json::{Value, json};

use crate::api::Api;
use crate::facts::{
    inventory_reserved, order_body, order_confirmed, order_placed, product_body, product_created,
};
use crate::world::World;

const CONSUMERS: [&str; 5] = ["analytics", "inventory-reserve", "notification", "order-tracker", "payment"];

pub(crate) const POISON: &str = "{not json";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inventory_reserve_separates_good_failing_and_poison_messages() {
    let world = World::open().await;
    let function = world.start("inventory-reserve").await;
    world.cloud.publish(&[product_created("MUG", 5)]).await;
    let created = world.cloud.receive_exactly("inventory-reserve", 1).await;
    let event = world.cloud.sqs_event("inventory-reserve", &created);
    assert_eq!(function.invoke(&event).await.unwrap(), json!({"batchItemFailures": []}));

    let good = order_placed(&new_id(), "MUG", 2);
    let failing = order_placed(&new_id(), "UNHEARD-OF", 1);
    give_batch(&world, "inventory-reserve", &function, good, failing).await;

    let shop = Api(world.start("shop-api").await);
    let level = shop.get("/api/v1/inventory/MUG").await.expect(200);
    assert_eq!(level, json!({"sku": "MUG", "available": 3, "reserved": 2}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_tracker_separates_good_failing_and_poison_messages() {
    let world = World::open().await;
    let shop = Api(world.start("shop-api").await);
    let intake = Api(world.start("order-intake").await);
    shop.post("/api/v1/products", &product_body("MUG", 5)).await.expect(201);
    let order = intake.post("/api/v1/orders", &order_body("MUG", 1)).await.expect(202);
    let id = order["id"].as_str().unwrap();

    let function = world.start("order-tracker").await;
    let (good, failing) = (inventory_reserved(id), inventory_reserved(&new_id()));
    give_batch(&world, "order-tracker", &function, good, failing).await;

    let order = intake.get(&format!("/api/v1/orders/{id}")).await.expect(200);
    assert_eq!(order["status"], "reserved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payment_separates_good_failing_and_poison_messages() {
    let world = World::open().await;
    let function = world.start("payment").await;
    let (good, failing) = (new_id(), new_id());
    refuse_writes_about(&world.embedded, &failing);
    give_batch(&world, "payment", &function, inventory_reserved(&good), inventory_reserved(&failing)).await;

    let shop = Api(world.start("shop-api").await);
    let paid = shop.get(&format!("/api/v1/payments?order_id={good}")).await.expect(200);
    assert_eq!(paid["payments"][0]["status"], "completed");
    let unpaid = shop.get(&format!("/api/v1/payments?order_id={failing}")).await.expect(200);
    assert_eq!(unpaid, json!({"payments": [], "next_cursor": null}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notification_separates_good_failing_and_poison_messages() {
    let world = World::open().await;
    let function = world.start("notification").await;
    let (good, failing) = (new_id(), new_id());
    refuse_writes_about(&world.embedded, &failing);
    give_batch(&world, "notification", &function, order_confirmed(&good), order_confirmed(&failing)).await;

    let shop = Api(world.start("shop-api").await);
    let told = shop.get(&format!("/api/v1/notifications?order_id={good}")).await.expect(200);
    assert_eq!(told["notifications"][0]["template"], "order_confirmation");
    let untold = shop.get(&format!("/api/v1/notifications?order_id={failing}")).await.expect(200);
    assert_eq!(untold, json!({"notifications": []}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn analytics_separates_good_failing_and_poison_messages() {
    let world = World::open().await;
    let function = world.start("analytics").await;
    let (good, failing) = (new_id(), new_id());
    refuse_transactions_about(&world.embedded, &failing);
    give_batch(&world, "analytics", &function, order_confirmed(&good), order_confirmed(&failing)).await;

    let shop = Api(world.start("shop-api").await);
    let summary = shop.get("/api/v1/analytics/summary").await.expect(200);
    assert_eq!(summary["total_orders"], 1, "{summary}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_from_a_bridge_is_dead_lettered_by_the_bridge() {
    let world = World::open().await;
    for consumer in CONSUMERS {
        let function = world.start(consumer).await;
        let record = json!({
            "messageId": "m1",
            "receiptHandle": "r1",
            "body": POISON,
            "attributes": {"ApproximateReceiveCount": "1"},
            "eventSource": "orderflow:amqp",
        });
        let answer = function.invoke(&json!({"Records": [record]})).await.unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap();
        assert_eq!(failures.len(), 1, "{consumer}: {answer}");
        assert_eq!(failures[0]["itemIdentifier"], "m1");
        assert_eq!(failures[0]["deadLetter"]["code"], "undecodable");
        let reason = failures[0]["deadLetter"]["reason"].as_str().unwrap();
        assert!(reason.starts_with("not a CloudEvents envelope"), "{reason}");
        assert!(world.cloud.dead_letters(consumer).await.is_empty(), "{consumer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_is_not_a_batch_is_an_error_and_the_next_one_is_handled() {
    let world = World::open().await;
    let function = world.start("payment").await;
    let error = function.invoke(&json!({"Records": 1})).await.unwrap_err();
    assert!(matches!(error, Error::Function { .. }), "{error}");
    let answer = function.invoke(&json!({"Records": []})).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_runs_out_of_time_is_returned_before_the_deadline() {
    let world = World::open().await;
    // Lambda's timeout is three seconds, and the payment provider responds after a minute.
    let settings = [("AWS_LAMBDA_FUNCTION_TIMEOUT", "3"), ("PAYMENT_LATENCY_MS", "60000")];
    let function = world.start_with("payment", &settings).await;
    world.cloud.publish(&[inventory_reserved(&new_id())]).await;
    let messages = world.cloud.receive_exactly("payment", 1).await;
    let answer = function.invoke(&world.cloud.sqs_event("payment", &messages)).await.unwrap();
    assert_eq!(failed_ids(&answer), [messages[0].message_id().unwrap()]);
}

/// Invokes the function with both events and a poison message in one batch. Checks that the failing message is reported and delivered again,
/// and that the poison message is dead-lettered.
async fn give_batch(world: &World, consumer: &str, function: &RuntimeEmulator, good: Event, failing: Event) {
    let cloud = &world.cloud;
    cloud.publish(&[good, failing.clone()]).await;
    cloud.send(consumer, POISON).await;
    let messages = cloud.receive_exactly(consumer, 3).await;
    assert!(cloud.receive(consumer, 0).await.is_empty(), "a received message is visible");
    let answer = function.invoke(&cloud.sqs_event(consumer, &messages)).await.unwrap();

    let is_failing = |message: &Message| message.body() == Some(&failing.to_json());
    let failing_id = messages.iter().find(|message| is_failing(message)).unwrap().message_id();
    assert_eq!(failed_ids(&answer), [failing_id.unwrap()], "{answer}");
    for message in messages.iter().filter(|message| !is_failing(message)) {
        cloud.delete(consumer, message).await;
    }

    let letters = cloud.dead_letters(consumer).await;
    let [letter] = &letters[..] else { panic!("not one dead letter: {letters:?}") };
    assert_eq!(letter.body(), Some(POISON));
    assert_eq!(attribute(letter, "code"), "undecodable");
    assert_eq!(attribute(letter, "attempts"), "1");
    for field in MessageField::ALL {
        assert!(!attribute(letter, field.attribute()).is_empty(), "{field:?}: {letter:?}");
    }
    assert!(attribute(letter, "reason").starts_with("not a CloudEvents envelope"), "{letter:?}");

    let again = cloud.receive_exactly(consumer, 1).await;
    assert!(is_failing(&again[0]), "{again:?}");
    assert_eq!(again[0].attributes().unwrap()[&"ApproximateReceiveCount".into()], "2");

    let log = function.output();
    assert!(log.contains(&format!(r#""service":"{consumer}""#)), "{log}");
}

/// Returns the records that a function's response reports as failed.
pub(crate) fn failed_ids(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap_or_else(|| panic!("no failures: {answer}"));
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect()
}

/// Returns the value of a message attribute.
pub(crate) fn attribute<'a>(message: &'a Message, name: &str) -> &'a str {
    let value = message.message_attributes().and_then(|attributes| attributes.get(name));
    value.and_then(|value| value.string_value()).unwrap_or_else(|| panic!("no {name}: {message:?}"))
}

/// Makes the store fail every write that names this order.
pub(crate) fn refuse_writes_about(embedded: &Embedded, order_id: &str) {
    let order_id = order_id.to_owned();
    embedded.inject(Arc::new(move |operation: &str, body: &Value| {
        let writes = ["PutItem", "UpdateItem", "TransactWriteItems"].contains(&operation);
        (writes && body.to_string().contains(&order_id)).then_some(Fault::InternalServerError)
    }));
}

/// Makes the store cancel every transaction at the part of this order.
fn refuse_transactions_about(embedded: &Embedded, order_id: &str) {
    let order_id = order_id.to_owned();
    embedded.inject(Arc::new(move |_: &str, body: &Value| {
        let actions = body["TransactItems"].as_array()?.iter().map(Value::to_string);
        let code = |action: String| if action.contains(&order_id) { "ValidationError" } else { "None" };
        let codes: Vec<String> = actions.map(|action| code(action).to_owned()).collect();
        codes.iter().any(|code| code != "None").then_some(Fault::TransactionCanceled(codes))
    }));
}

pub(crate) fn new_id() -> String {
    OrderId::generate().to_string()
}
