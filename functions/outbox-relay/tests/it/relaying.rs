//! Batches of stream records.

use orderflow_outbox_relay::RelayError;

use crate::support::{OUTBOX_NAME, Shop};

#[tokio::test]
async fn events_are_published_in_the_order_of_their_writes() {
    let shop = Shop::open().await;
    for sku in ["C", "A", "B"] {
        shop.sell(sku).await;
    }
    shop.relay.handle(shop.batch().await).await.unwrap();
    assert_eq!(shop.publisher.published(), ["product.created C", "product.created A", "product.created B"]);
    assert!(shop.dead_lettered().is_empty());
}

#[tokio::test]
async fn writes_without_events_publish_nothing() {
    let shop = Shop::open().await;
    shop.relay.handle(shop.batch().await).await.unwrap();
    shop.sell("A").await;
    shop.touch("A").await;
    shop.delete("A").await;
    shop.break_item("B", None).await;
    let batch = shop.batch().await;
    assert_eq!(batch.records.len(), 4);
    shop.relay.handle(batch).await.unwrap();
    assert_eq!(shop.publisher.published(), ["product.created A"]);
    assert!(shop.dead_lettered().is_empty());
}

#[tokio::test]
async fn undecodable_records_are_dead_lettered_and_the_others_are_published() {
    let shop = Shop::open().await;
    shop.sell("A").await;
    shop.break_item("GARBLED", Some("product.eaten")).await;
    shop.break_item("FOREIGN", Some("order.placed")).await;
    shop.break_item("SHAPELESS", Some("product.created")).await;
    shop.sell("B").await;
    shop.relay.handle(shop.batch().await).await.unwrap();
    assert_eq!(shop.publisher.published(), ["product.created A", "product.created B"]);
    let letters = shop.dead_letters.letters.lock().unwrap().clone();
    assert_eq!(letters.len(), 3);
    for (letter, sku) in letters.iter().zip(["GARBLED", "FOREIGN", "SHAPELESS"]) {
        assert_eq!((letter.code.as_str(), letter.attempts), ("undecodable", 1));
        assert!(letter.body.contains(sku) && letter.body.contains(OUTBOX_NAME), "{}", letter.body);
        assert!(!letter.reason.is_empty());
    }
}

#[tokio::test]
async fn a_record_of_a_foreign_table_is_dead_lettered() {
    let shop = Shop::open().await;
    shop.sell("A").await;
    let mut batch = shop.batch().await;
    let arn = batch.records[0].event_source_arn.take().unwrap();
    batch.records[0].event_source_arn = Some(arn.replace("test-catalog", "other-catalog"));
    shop.relay.handle(batch).await.unwrap();
    assert!(shop.publisher.published().is_empty());
    assert!(shop.dead_lettered()[0].contains("other-catalog"), "{:?}", shop.dead_lettered());
}

#[tokio::test]
async fn h09_unpublished_events_are_published_again_with_the_same_id() {
    let shop = Shop::open().await;
    for sku in ["A", "B", "C"] {
        shop.sell(sku).await;
    }
    shop.publisher.refuses.lock().unwrap().push("B".to_owned());
    let error = shop.relay.handle(shop.batch().await).await.unwrap_err();
    assert!(matches!(&error, RelayError::NotPublished { failed: 1, total: 3, .. }), "{error}");
    shop.publisher.refuses.lock().unwrap().clear();
    shop.relay.handle(shop.batch().await).await.unwrap();
    let ids = shop.publisher.ids();
    assert_eq!(ids.len(), 5);
    assert_eq!((&ids[0], &ids[1]), (&ids[2], &ids[4]), "consumers recognise repeats by the id");
}

#[tokio::test]
async fn a_batch_whose_events_cannot_be_published_dead_letters_nothing() {
    let shop = Shop::open().await;
    shop.break_item("GARBLED", Some("?")).await;
    shop.sell("A").await;
    shop.publisher.refuses.lock().unwrap().push("A".to_owned());
    for _ in 0..3 {
        shop.relay.handle(shop.batch().await).await.unwrap_err();
    }
    assert!(shop.dead_lettered().is_empty());
    shop.publisher.refuses.lock().unwrap().clear();
    shop.relay.handle(shop.batch().await).await.unwrap();
    assert_eq!(shop.dead_lettered().len(), 1);
}

#[tokio::test]
async fn a_batch_fails_if_its_dead_letter_cannot_be_stored() {
    let shop = Shop::open().await;
    shop.break_item("GARBLED", Some("?")).await;
    shop.sell("A").await;
    *shop.dead_letters.is_full.lock().unwrap() = true;
    let error = shop.relay.handle(shop.batch().await).await.unwrap_err();
    assert!(matches!(error, RelayError::DeadLetter(_)), "{error}");
    *shop.dead_letters.is_full.lock().unwrap() = false;
    shop.relay.handle(shop.batch().await).await.unwrap();
    assert_eq!(shop.dead_lettered().len(), 1);
}
