//! Messages that no function can decode.

use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};

use crate::load::{Limit, order, place_at_rate};
use crate::shop::Shop;
use crate::tables::Tables;

/// The headers nearly fill a frame, which RabbitMQ limits to 131,072 bytes, so that they leave no room for further ones.
const HEADER_BYTES: usize = 130_900;

fn headers_of(bytes: usize) -> FieldTable {
    let mut headers = FieldTable::default();
    headers.insert("large".into(), AMQPValue::LongString("x".repeat(bytes).into()));
    headers
}

/// Messages that are not events, published to a queue by hand, are dead-lettered within two seconds with a reason, and delay no others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h08_an_undecodable_message_is_dead_lettered_within_two_seconds() {
    let (sku, stock) = ("PLAIN", 1_000);
    let shop = Shop::open(sku, stock).await;
    let connection = Connection::connect(&shop.broker.uri(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let undecodable = async {
        let plain = BasicProperties::default;
        for (body, properties) in [
            (&b"not an event"[..], plain()),
            (b"{\"half\":", plain()),
            (b"\xff\xfe", plain()),
            (br#"{"specversion":"1.0","type":"no.such"}"#, plain()),
            (b"no event either", plain().with_headers(headers_of(HEADER_BYTES))),
        ] {
            let (queue, options) = ("orderflow.payment".into(), BasicPublishOptions::default());
            let sent = channel.basic_publish("".into(), queue, options, body, properties).await;
            sent.unwrap().await.unwrap();
            let sent_at = Instant::now();
            let dead = loop {
                let queue = "orderflow.payment.dlq".into();
                match channel.basic_get(queue, BasicGetOptions { no_ack: true }).await.unwrap() {
                    Some(dead) => break dead.delivery,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
                assert!(sent_at.elapsed() < Duration::from_secs(2), "it is not dead-lettered in time");
            };
            assert_eq!(dead.data, body, "the body is unchanged");
            let headers = dead.properties.headers().clone().unwrap();
            let header = |name: &str| headers.inner().get(name).cloned();
            assert_eq!(header("x-orderflow-code"), Some(AMQPValue::LongString("undecodable".into())));
            assert_eq!(header("x-orderflow-attempts"), Some(AMQPValue::LongLongInt(1)));
            for name in ["x-orderflow-reason", "x-orderflow-first-at", "x-orderflow-last-at"] {
                assert!(
                    matches!(header(name), Some(AMQPValue::LongString(text)) if !text.as_bytes().is_empty()),
                    "{name}"
                );
            }
        }
    };
    let (accepted, ()) = tokio::join!(place_at_rate(&shop, sku, 50, Limit::Orders(100)), undecodable);
    let tables = Tables::of(shop.store.url()).await;
    tables.wait_until_settled().await;
    tables.check(&accepted, sku, stock).await;
    assert!(shop.place(&order(sku)).await.is_some());
}
