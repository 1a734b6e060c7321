//! The declared exchange and queues, and existing ones with other arguments.

use lapin::options::{BasicGetOptions, ExchangeDeclareOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use orderflow_bridge::rabbitmq::{BrokerAddress, EXCHANGE, RabbitError, RabbitMq, dead_letter_queue, queue};
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_testing::rabbitmq::shared;

use crate::support::World;

async fn channel_to(uri: &str) -> Channel {
    let connection = Connection::connect(uri, ConnectionProperties::default()).await.unwrap();
    connection.create_channel().await.unwrap()
}

#[tokio::test]
async fn every_consumer_has_its_queues_and_declaring_them_twice_changes_nothing() {
    let world = World::new().await;
    let again = RabbitMq::new(BrokerAddress { uri: world.uri.parse().unwrap(), ca_certificates: None });
    again.connect().await.unwrap();
    let channel = world.by_hand().await;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    for row in SUBSCRIPTIONS {
        let delays =
            [250, 1_000, 5_000, 30_000, 120_000].map(|ms| format!("{}.delay.{ms}ms", queue(row.consumer)));
        for name in [queue(row.consumer), dead_letter_queue(row.consumer)].into_iter().chain(delays) {
            let found = channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await;
            assert_eq!(found.unwrap().message_count(), 0, "{name}");
        }
    }
}

/// An existing queue with other arguments is reported, with instructions, and not changed.
#[tokio::test]
async fn a_queue_with_other_arguments_is_reported_and_not_changed() {
    let node = shared::node().await.unwrap();
    let uri = node.fresh_virtual_host().unwrap();
    let channel = channel_to(&uri).await;
    let mut classic = FieldTable::default();
    classic.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
    let name = queue("payment");
    channel
        .queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), classic.clone())
        .await
        .unwrap();
    let broker = RabbitMq::new(BrokerAddress { uri: uri.parse().unwrap(), ca_certificates: None });
    let error = broker.connect().await.unwrap_err();
    assert!(matches!(&error, RabbitError::Mismatch { name, .. } if *name == queue("payment")), "{error}");
    assert!(error.to_string().contains("delete_queue orderflow.payment"), "{error}");
    assert!(!broker.is_up().await);
    channel.queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), classic).await.unwrap();

    channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    broker.connect().await.unwrap();
    assert!(broker.is_up().await);
}

#[tokio::test]
async fn an_exchange_with_other_arguments_is_reported() {
    let node = shared::node().await.unwrap();
    let uri = node.fresh_virtual_host().unwrap();
    let channel = channel_to(&uri).await;
    let (options, arguments) = (ExchangeDeclareOptions::default(), FieldTable::default());
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Fanout, options, arguments).await.unwrap();
    let broker = RabbitMq::new(BrokerAddress { uri: uri.parse().unwrap(), ca_certificates: None });
    let error = broker.connect().await.unwrap_err();
    assert!(matches!(&error, RabbitError::Mismatch { name, .. } if name == EXCHANGE), "{error}");
}

/// An event for a deleted queue is not lost: the queue is declared again and receives it. An event without a subscriber counts as published.
#[tokio::test]
async fn an_event_that_finds_no_queue_is_published_again_after_the_queue_is_declared() {
    let world = World::new().await;
    let channel = world.by_hand().await;
    let name = queue(crate::support::CONSUMER);
    world.publish(1).await;
    channel.queue_purge(name.as_str().into(), Default::default()).await.unwrap();
    channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    let events = world.publish(300).await;
    let mut found = 0;
    while let Some(message) =
        channel.basic_get(name.as_str().into(), BasicGetOptions { no_ack: true }).await.unwrap()
    {
        let properties = &message.delivery.properties;
        let headers = properties.headers().clone().unwrap();
        let event_type = headers.inner().get("cloudEvents:type");
        assert_eq!(event_type, Some(&AMQPValue::LongString("inventory.released".into())));
        let id = properties.message_id().clone().unwrap().to_string();
        assert!(events.iter().any(|event| event.id.to_string() == id));
        assert_eq!(headers.inner().get("cloudEvents:id"), Some(&AMQPValue::LongString(id.into())));
        assert_eq!(*properties.delivery_mode(), Some(2));
        found += 1;
    }
    assert!(found >= 300, "only {found}");
    world.publish_unheard().await;
}
