//! What becomes of a batch of records.

use orderflow_outbox_relay::RelayError;

use crate::support::{OUTBOX_NAME, Shop};

#[tokio::test]
async fn events_are_published_in_the_order_of_their_writes() {
    let shop = Shop::open().await;
    for sku in ["C", "A", "B"] {
        shop.sell(sku).await;
    }
    shop.relay.handle(shop.batch().await).await.unwrap();
    assert_eq!(shop.board.published(), ["product.created C", "product.created A", "product.created B"]);
    assert!(shop.dead_lettered().is_empty());
}

#[tokio::test]
async fn a_write_that_emits_nothing_publishes_nothing() {
    let shop = Shop::open().await;
    shop.relay.handle(shop.batch().await).await.unwrap();
    shop.sell("A").await;
    shop.touch("A").await;
    shop.delete("A").await;
    shop.break_item("B", None).await;
    let batch = shop.batch().await;
    assert_eq!(batch.records.len(), 4);
    shop.relay.handle(batch).await.unwrap();
    assert_eq!(shop.board.published(), ["product.created A"]);
    assert!(shop.dead_lettered().is_empty());
}

#[tokio::test]
async fn what_cannot_be_decoded_goes_whole_to_the_dead_letters_and_its_neighbours_are_published() {
    let shop = Shop::open().await;
    shop.sell("A").await;
    shop.break_item("GARBLED", Some("product.eaten")).await;
    shop.break_item("FOREIGN", Some("order.placed")).await;
    shop.break_item("SHAPELESS", Some("product.created")).await;
    shop.sell("B").await;
    shop.relay.handle(shop.batch().await).await.unwrap();
    assert_eq!(shop.board.published(), ["product.created A", "product.created B"]);
    let letters = shop.grave.letters.lock().unwrap().clone();
    assert_eq!(letters.len(), 3);
    for (letter, sku) in letters.iter().zip(["GARBLED", "FOREIGN", "SHAPELESS"]) {
        assert_eq!((letter.code.as_str(), letter.attempts), ("undecodable", 1));
        assert!(letter.body.contains(sku) && letter.body.contains(OUTBOX_NAME), "{}", letter.body);
        assert!(!letter.reason.is_empty());
    }
}

#[tokio::test]
async fn a_record_of_somebody_elses_table_is_no_event() {
    let shop = Shop::open().await;
    shop.sell("A").await;
    let mut batch = shop.batch().await;
    let arn = batch.records[0].event_source_arn.take().unwrap();
    batch.records[0].event_source_arn = Some(arn.replace("test-catalog", "other-catalog"));
    shop.relay.handle(batch).await.unwrap();
    assert!(shop.board.published().is_empty());
    assert!(shop.dead_lettered()[0].contains("other-catalog"), "{:?}", shop.dead_lettered());
}

#[tokio::test]
async fn h09_what_was_not_published_comes_again_and_is_the_same_event() {
    let shop = Shop::open().await;
    for sku in ["A", "B", "C"] {
        shop.sell(sku).await;
    }
    shop.board.refuses.lock().unwrap().push("B".to_owned());
    let error = shop.relay.handle(shop.batch().await).await.unwrap_err();
    assert!(matches!(&error, RelayError::NotPublished { failed: 1, total: 3, .. }), "{error}");
    shop.board.refuses.lock().unwrap().clear();
    shop.relay.handle(shop.batch().await).await.unwrap();
    let ids = shop.board.ids();
    assert_eq!(ids.len(), 5);
    assert_eq!((&ids[0], &ids[1]), (&ids[2], &ids[4]), "the same events, so that consumers know them");
}

#[tokio::test]
async fn a_batch_that_comes_again_for_its_events_dead_letters_nothing_before() {
    let shop = Shop::open().await;
    shop.break_item("GARBLED", Some("?")).await;
    shop.sell("A").await;
    shop.board.refuses.lock().unwrap().push("A".to_owned());
    for _ in 0..3 {
        shop.relay.handle(shop.batch().await).await.unwrap_err();
    }
    assert!(shop.dead_lettered().is_empty());
    shop.board.refuses.lock().unwrap().clear();
    shop.relay.handle(shop.batch().await).await.unwrap();
    assert_eq!(shop.dead_lettered().len(), 1);
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_kept_brings_the_batch_again() {
    let shop = Shop::open().await;
    shop.break_item("GARBLED", Some("?")).await;
    shop.sell("A").await;
    *shop.grave.is_full.lock().unwrap() = true;
    let error = shop.relay.handle(shop.batch().await).await.unwrap_err();
    assert!(matches!(error, RelayError::DeadLetter(_)), "{error}");
    *shop.grave.is_full.lock().unwrap() = false;
    shop.relay.handle(shop.batch().await).await.unwrap();
    assert_eq!(shop.dead_lettered().len(), 1);
}
