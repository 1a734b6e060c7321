//! The bundles of consumers with events of Amazon MQ for RabbitMQ.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_testing::Error;
use serde_json::{Value, json};

use crate::api::Api;
use crate::facts::inventory_reserved;
use crate::queues::{POISON, attribute, new_id, refuse_writes_about};
use crate::samples::sample;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_consumer_accepts_its_sample() {
    let world = World::open().await;
    for row in SUBSCRIPTIONS {
        let function = world.start(row.consumer).await;
        let answer = function.invoke(&sample(&format!("{}-rmq", row.consumer))).await;
        // Some samples name an order or a product that does not exist yet: such a message is retried, which fails the batch.
        match answer {
            Ok(answer) => assert_eq!(answer, json!({"batchItemFailures": []}), "{}", row.consumer),
            Err(error) => {
                assert!(error.to_string().contains("will be retried"), "{}: {error}", row.consumer)
            }
        }
        let letters = world.cloud.dead_letters(row.consumer).await;
        assert!(letters.is_empty(), "{}: {letters:?}", row.consumer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_done_or_retried_and_poison_is_dead_lettered_once() {
    let world = World::open().await;
    let function = world.start("payment").await;
    let (good, failing) = (new_id(), new_id());
    refuse_writes_about(&world.embedded, &failing);
    let bodies =
        [inventory_reserved(&good).to_json(), POISON.to_owned(), inventory_reserved(&failing).to_json()];

    let error = function.invoke(&batch(&bodies)).await.unwrap_err();
    let Error::Function { message, .. } = &error else { panic!("{error}") };
    assert!(message.contains("1 of 3 messages will be retried"), "{message}");
    assert!(world.cloud.dead_letters("payment").await.is_empty());

    world.embedded.stop_injecting();
    assert_eq!(function.invoke(&batch(&bodies)).await.unwrap(), json!({"batchItemFailures": []}));
    let letters = world.cloud.dead_letters("payment").await;
    let [letter] = &letters[..] else { panic!("not one dead letter: {letters:?}") };
    assert_eq!((letter.body(), attribute(letter, "code")), (Some(POISON), "undecodable"));
    let shop = Api(world.start("shop-api").await);
    for order in [good, failing] {
        let paid = shop.get(&format!("/api/v1/payments?order_id={order}")).await.expect(200);
        assert_eq!(paid["payments"].as_array().map(Vec::len), Some(1), "{paid}");
    }
}

fn batch(bodies: &[String]) -> Value {
    let message = |body: &String| {
        let data = BASE64_STANDARD.encode(body);
        json!({"basicProperties": {"headers": {}}, "redelivered": false, "data": data})
    };
    let messages: Vec<_> = bodies.iter().map(message).collect();
    json!({"eventSource": "aws:rmq", "rmqMessagesByQueue": {"orderflow.payment::/": messages}})
}
