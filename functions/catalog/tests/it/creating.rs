//! Products that are created, found and listed.

use std::sync::Arc;

use orderflow_catalog::EVENT_SOURCE;
use orderflow_domain::{EventData, EventType};
use orderflow_embedded::Fault;
use orderflow_store::{Emission, ImageError};
use serde_json::{Value, json};

use crate::support::{Shop, new_product, sku};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_create_a_product_one_does() {
    let shop = Shop::open().await;
    let statuses = shop.at_once(1..=10, |shop, amount| async move { shop.create("a-1", amount).await }).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 9, "{statuses:?}");
    let created = i64::try_from(statuses.iter().position(|status| *status == 201).unwrap()).unwrap() + 1;
    let (_, product) = shop.get("/products/A-1").await;
    assert_eq!(product["price"], json!({"amount": created, "currency": "USD"}));
}

#[tokio::test]
async fn a_product_can_be_found_the_moment_it_is_created() {
    let shop = Shop::open().await;
    assert!(shop.catalog.find(&[sku("A")]).await.unwrap().is_empty());
    assert_eq!(shop.create("A", 100).await, 201);
    assert_eq!(shop.create("B", 200).await, 201);
    let found = shop.catalog.find(&[sku("A")]).await.unwrap();
    assert_eq!((found[0].price.amount, found[0].stock), (100, 3));
    let mut found = shop.catalog.find(&[sku("B"), sku("NOBODY"), sku("A")]).await.unwrap();
    found.sort_by(|a, b| a.sku.cmp(&b.sku));
    assert_eq!(found.iter().map(|product| product.sku.as_str()).collect::<Vec<_>>(), ["A", "B"]);
}

#[tokio::test]
async fn a_listing_goes_on_where_it_stopped_whatever_is_created_meanwhile() {
    let shop = Shop::open().await;
    for text in ["B", "D", "F", "H", "J"] {
        assert_eq!(shop.create(text, 1).await, 201);
    }
    let (mut listed, mut path) = (Vec::new(), "/products?limit=2".to_owned());
    loop {
        let (status, page) = shop.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let products = page["products"].as_array().unwrap();
        listed.extend(products.iter().map(|product| product["sku"].as_str().unwrap().to_owned()));
        shop.create("A", 1).await;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/products?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(listed, ["B", "D", "F", "H", "J"]);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_503_and_nothing_is_half_done() {
    let shop = Shop::open().await;
    shop.embedded.inject(Arc::new(|_: &str, _: &Value| Some(Fault::InternalServerError)));
    assert_eq!(shop.create("A", 1).await, 503);
    assert_eq!(shop.get("/products").await.0, 503);
    assert_eq!(shop.get("/products/A").await.0, 503);
    shop.embedded.stop_injecting();
    assert_eq!(shop.get("/products/A").await.0, 404);
    assert!(shop.writer().is_empty().await.unwrap());
}

#[tokio::test]
async fn the_creation_tells_the_first_stock_and_is_the_same_event_each_time() {
    let shop = Shop::open().await;
    shop.writer().create_if_absent(new_product("A")).await.unwrap();
    let image = shop.image("A").await;
    let build = |event_type: EventType| (EVENT_SOURCE.build)(image.clone(), &Emission::from(event_type));
    let (first, second) =
        (build(EventType::ProductCreated).unwrap(), build(EventType::ProductCreated).unwrap());
    assert_eq!(first, second);
    let EventData::ProductCreated(created) = &first.data else { panic!("another event: {first:?}") };
    assert_eq!((created.sku.as_str(), created.stock), ("A", Some(3)));
    assert!(matches!(build(EventType::OrderPlaced), Err(ImageError::ForeignEvent(EventType::OrderPlaced))));
}
