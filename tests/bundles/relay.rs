//! The bundle that the tables' streams trigger.

use orderflow_catalog::CATALOG;
use orderflow_domain::Event;
use orderflow_store::{OUTBOX, Value as Attribute, Write};
use orderflow_testing::Error;
use serde_json::{Value, json};

use crate::api::Api;
use crate::facts::product_body;
use crate::queues::attribute;
use crate::streams::Streams;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undecodable_record_is_dead_lettered_and_the_others_are_published() {
    let world = World::open().await;
    let shop = Api(world.start("shop-api").await);
    shop.post("/api/v1/products", &product_body("FIRST", 1)).await.expect(201);
    write_garbage(&world).await;
    shop.post("/api/v1/products", &product_body("LAST", 1)).await.expect(201);
    let batch = only_batch(&world).await;

    let relay = world.start("outbox-relay").await;
    assert_eq!(relay.invoke(&batch).await.unwrap(), Value::Null);

    assert_eq!(created_skus(&world, 2).await, ["FIRST", "LAST"]);
    let letters = world.cloud.dead_letters("outbox-relay").await;
    let [letter] = &letters[..] else { panic!("not one dead letter: {letters:?}") };
    assert_eq!(attribute(letter, "code"), "undecodable");
    assert!(attribute(letter, "reason").contains("order.eaten"), "{letter:?}");
    let record: Value = serde_json::from_str(letter.body().unwrap()).unwrap();
    // The first record is the currency of the shop.
    let sent = &batch["Records"][2];
    assert_eq!(record["eventID"], sent["eventID"]);
    assert_eq!(record["eventSourceARN"], sent["eventSourceARN"]);
    assert_eq!(record["dynamodb"]["NewImage"], sent["dynamodb"]["NewImage"]);
    assert_eq!(record["dynamodb"]["SequenceNumber"], sent["dynamodb"]["SequenceNumber"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_published_fails_the_batch_and_is_retried() {
    let mut world = World::open().await;
    let shop = Api(world.start("shop-api").await);
    let relay = world.start("outbox-relay").await;
    shop.post("/api/v1/products", &product_body("MUG", 1)).await.expect(201);
    let batch = only_batch(&world).await;

    world.cloud.delete_topic().await;
    let error = relay.invoke(&batch).await.unwrap_err();
    let Error::Function { message, .. } = &error else { panic!("{error}") };
    assert!(message.contains("1 of 1 events were not published"), "{message}");

    world.cloud.create_topic().await;
    relay.invoke(&batch).await.unwrap();
    assert_eq!(created_skus(&world, 1).await, ["MUG"]);
    assert!(world.cloud.dead_letters("outbox-relay").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_without_events_are_skipped() {
    let world = World::open().await;
    let table = world.store.table(&CATALOG);
    world.store.write(Write::update(&table, table.key("QUIET"))).await.unwrap();
    world.store.write(Write::delete(&table, table.key("QUIET"))).await.unwrap();
    let batch = only_batch(&world).await;
    let names: Vec<_> =
        batch["Records"].as_array().unwrap().iter().map(|record| &record["eventName"]).collect();
    assert_eq!(names, [&json!("INSERT"), &json!("REMOVE")]);

    let relay = world.start("outbox-relay").await;
    assert_eq!(relay.invoke(&batch).await.unwrap(), Value::Null);
    assert!(world.cloud.dead_letters("outbox-relay").await.is_empty());
}

/// Returns an item with every kind of value, whose outbox names no event.
pub(crate) async fn write_garbage(world: &World) {
    let table = world.store.table(&CATALOG);
    let bytes = Attribute::B(vec![0, 159, 255]);
    let write = Write::update(&table, table.key("GARBAGE"))
        .set(OUTBOX, Attribute::S("order.eaten".to_owned()))
        .set("bytes", bytes.clone())
        .set("list", Attribute::L(vec![Attribute::Null(true), Attribute::Bool(false)]))
        .set("map", Attribute::M([("bytes".to_owned(), bytes)].into()))
        .set("number", Attribute::N("1.50".to_owned()))
        .set("texts", Attribute::Ss(vec!["a".to_owned(), "b".to_owned()]));
    world.store.write(write).await.unwrap();
}

async fn only_batch(world: &World) -> Value {
    let mut batches = Streams::open(world).await.read().await;
    assert_eq!(batches.len(), 1, "{batches:?}");
    batches.remove(0)
}

/// Returns the SKUs of each `product.created` in the queue of inventory, sorted.
async fn created_skus(world: &World, count: usize) -> Vec<String> {
    let messages = world.cloud.receive_exactly("inventory-reserve", count).await;
    let event = |body: &str| Event::from_json(body).unwrap();
    let mut skus: Vec<_> =
        messages.iter().map(|message| event(message.body().unwrap()).data.subject()).collect();
    skus.sort();
    skus
}
