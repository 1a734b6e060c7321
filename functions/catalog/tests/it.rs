//! The catalog over the embedded store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use futures::future::join_all;
use http_body_util::BodyExt;
use orderflow_catalog::{CATALOG, Catalog, CatalogWriter, EVENT_SOURCE, NewProduct, router};
use orderflow_domain::{Currency, EventData, EventType, Money, Sku};
use orderflow_embedded::{Embedded, Fault, Location};
use orderflow_store::{Emission, ImageError, IndependentWrites, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn shop() -> (Embedded, Store) {
    let embedded = Embedded::open(Location::Memory).unwrap();
    let store = Store::new(embedded.dynamodb(), "test", IndependentWrites::OneTransaction);
    store.create_missing_tables(&[&CATALOG]).await.unwrap();
    (embedded, store)
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

async fn call(store: &Store, request: Request<Body>) -> (u16, Value) {
    let response = router(store, usd()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn post(store: &Store, text: &str, amount: i64) -> u16 {
    let price = json!({"amount": amount, "currency": "usd"});
    let body = json!({"sku": text, "name": "A thing", "price": price, "stock": 3}).to_string();
    let request = Request::post("/api/v1/products").header("content-type", "application/json");
    call(store, request.body(Body::from(body)).unwrap()).await.0
}

async fn get(store: &Store, path: &str) -> (u16, Value) {
    call(store, Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn of_many_who_create_a_product_one_does() {
    let (_embedded, store) = shop().await;
    let statuses = join_all((1..=10).map(|amount| post(&store, "a-1", amount))).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 9, "{statuses:?}");
    let created = i64::try_from(statuses.iter().position(|status| *status == 201).unwrap()).unwrap() + 1;
    let (_, product) = get(&store, "/api/v1/products/A-1").await;
    assert_eq!(product["price"], json!({"amount": created, "currency": "USD"}));
}

#[tokio::test]
async fn a_product_can_be_found_the_moment_it_is_created() {
    let (_embedded, store) = shop().await;
    let catalog = Catalog::new(&store);
    assert!(catalog.find(&[sku("A")]).await.unwrap().is_empty());
    assert_eq!(post(&store, "A", 100).await, 201);
    assert_eq!(post(&store, "B", 200).await, 201);
    let found = catalog.find(&[sku("A")]).await.unwrap();
    assert_eq!((found[0].price.amount, found[0].stock), (100, 3));
    let mut found = catalog.find(&[sku("B"), sku("NOBODY"), sku("A")]).await.unwrap();
    found.sort_by(|a, b| a.sku.cmp(&b.sku));
    assert_eq!(found.iter().map(|product| product.sku.as_str()).collect::<Vec<_>>(), ["A", "B"]);
}

#[tokio::test]
async fn a_listing_goes_on_where_it_stopped_whatever_is_created_meanwhile() {
    let (_embedded, store) = shop().await;
    for text in ["B", "D", "F", "H", "J"] {
        assert_eq!(post(&store, text, 1).await, 201);
    }
    let (mut listed, mut path) = (Vec::new(), "/api/v1/products?limit=2".to_owned());
    loop {
        let (status, page) = get(&store, &path).await;
        assert_eq!(status, 200, "{page}");
        let products = page["products"].as_array().unwrap();
        listed.extend(products.iter().map(|product| product["sku"].as_str().unwrap().to_owned()));
        post(&store, "A", 1).await;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/products?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(listed, ["B", "D", "F", "H", "J"]);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_503_and_nothing_is_half_done() {
    let (embedded, store) = shop().await;
    embedded.inject(Arc::new(|_: &str, _: &Value| Some(Fault::InternalServerError)));
    assert_eq!(post(&store, "A", 1).await, 503);
    assert_eq!(get(&store, "/api/v1/products").await.0, 503);
    assert_eq!(get(&store, "/api/v1/products/A").await.0, 503);
    embedded.stop_injecting();
    assert_eq!(get(&store, "/api/v1/products/A").await.0, 404);
    assert!(CatalogWriter::new(&store).is_empty().await.unwrap());
}

/// The image of a product that was just created.
async fn image(store: &Store) -> serde_dynamo::Item {
    let price = Money { amount: 100, currency: usd() };
    let product = NewProduct { sku: sku("A"), name: "A thing".to_owned(), price, stock: 3 };
    CatalogWriter::new(store).create_if_absent(product).await.unwrap();
    let table = store.table(&CATALOG);
    let image: Value = table.get(table.key("A")).await.unwrap().unwrap();
    serde_dynamo::to_item(image).unwrap()
}

#[tokio::test]
async fn the_creation_tells_the_first_stock_and_is_the_same_event_each_time() {
    let (_embedded, store) = shop().await;
    let image = image(&store).await;
    let build = |event_type: EventType| (EVENT_SOURCE.build)(image.clone(), &Emission::from(event_type));
    let (first, second) =
        (build(EventType::ProductCreated).unwrap(), build(EventType::ProductCreated).unwrap());
    assert_eq!(first, second);
    let EventData::ProductCreated(created) = &first.data else { panic!("another event: {first:?}") };
    assert_eq!((created.sku.as_str(), created.stock), ("A", Some(3)));
    assert!(matches!(build(EventType::OrderPlaced), Err(ImageError::ForeignEvent(EventType::OrderPlaced))));
}
