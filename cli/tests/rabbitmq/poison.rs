//! Messages that no function can make sense of.

use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Connection, ConnectionProperties};

use crate::books::Books;
use crate::load::{Limit, order, place_at_rate};
use crate::shop::Shop;

/// What somebody puts onto a queue by hand is in the dead letters within two seconds, with its reason; its neighbours do not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h08_poison_is_put_out_of_the_way() {
    let (sku, stock) = ("PLAIN", 1_000);
    let shop = Shop::open(sku, stock).await;
    let connection = Connection::connect(&shop.broker.uri(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let poison = async {
        for body in
            [&b"not an event"[..], b"{\"half\":", b"\xff\xfe", br#"{"specversion":"1.0","type":"no.such"}"#]
        {
            let (queue, options) = ("orderflow.payment".into(), BasicPublishOptions::default());
            let sent =
                channel.basic_publish("".into(), queue, options, body, BasicProperties::default()).await;
            sent.unwrap().await.unwrap();
            let sent_at = Instant::now();
            let dead = loop {
                let queue = "orderflow.payment.dlq".into();
                match channel.basic_get(queue, BasicGetOptions { no_ack: true }).await.unwrap() {
                    Some(dead) => break dead.delivery,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
                assert!(sent_at.elapsed() < Duration::from_secs(2), "it is still not out of the way");
            };
            assert_eq!(dead.data, body, "it is kept as it came");
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
    let (accepted, ()) = tokio::join!(place_at_rate(&shop, sku, 50, Limit::Orders(100)), poison);
    let books = Books::of(shop.store.url()).await;
    books.settle().await;
    books.check(&accepted, sku, stock).await;
    assert!(shop.place(&order(sku)).await.is_some());
}
