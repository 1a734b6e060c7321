//! Products that are created, found and listed.

use orderflow_catalog::{CATALOG, EVENT_SOURCE};
use orderflow_domain::{ChargeLimits, ChargeRules, EventData, EventType};
use orderflow_store::{Emission, ImageError};
use orderflow_testing::samples::sku;
use orderflow_testing::service::at_once;
use serde_json::json;

use crate::harness::{CatalogHarness, new_product};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_concurrent_creations_succeeds() {
    let harness = CatalogHarness::open().await;
    let create = |amount| {
        let harness = harness.clone();
        async move { harness.create("a-1", amount).await }
    };
    let statuses = at_once(1..=10, create).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 9, "{statuses:?}");
    let created = i64::try_from(statuses.iter().position(|status| *status == 201).unwrap()).unwrap() + 1;
    let (_, product) = harness.get("/products/A-1").await;
    assert_eq!(product["price"], json!({"amount": created, "currency": "USD"}));
}

#[tokio::test]
async fn a_product_is_found_as_soon_as_it_is_created() {
    let harness = CatalogHarness::open().await;
    assert!(harness.catalog.find(&[sku("A")]).await.unwrap().is_empty());
    assert_eq!(harness.create("A", 100).await, 201);
    assert_eq!(harness.create("B", 200).await, 201);
    let found = harness.catalog.find(&[sku("A")]).await.unwrap();
    assert_eq!((found[0].price.amount, found[0].stock), (100, 3));
    let mut found = harness.catalog.find(&[sku("B"), sku("UNKNOWN"), sku("A")]).await.unwrap();
    found.sort_by(|a, b| a.sku.cmp(&b.sku));
    assert_eq!(found.iter().map(|product| product.sku.as_str()).collect::<Vec<_>>(), ["A", "B"]);
}

#[tokio::test]
async fn a_listing_continues_at_its_cursor_while_products_are_created() {
    let harness = CatalogHarness::open().await;
    for text in ["B", "D", "F", "H", "J"] {
        assert_eq!(harness.create(text, 1).await, 201);
    }
    let (mut listed, mut path) = (Vec::new(), "/products?limit=2".to_owned());
    loop {
        let (status, page) = harness.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let products = page["products"].as_array().unwrap();
        listed.extend(products.iter().map(|product| product["sku"].as_str().unwrap().to_owned()));
        harness.create("A", 1).await;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/products?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(listed, ["B", "D", "F", "H", "J"]);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_503_and_nothing_is_written() {
    let harness = CatalogHarness::open().await;
    harness.service.fail_every_request();
    assert_eq!(harness.create("A", 1).await, 503);
    assert_eq!(harness.get("/products").await.0, 503);
    assert_eq!(harness.get("/products/A").await.0, 503);
    harness.service.stop_failing();
    assert_eq!(harness.get("/products/A").await.0, 404);
    assert!(harness.writer().is_empty().await.unwrap());
}

#[tokio::test]
async fn product_created_has_the_first_stock_and_the_same_id_each_time() {
    let harness = CatalogHarness::open().await;
    harness.writer().create_if_absent(new_product("A")).await.unwrap();
    let image = harness.service.image(&CATALOG, "A").await;
    let build = |event_type: EventType| (EVENT_SOURCE.build)(image.clone(), &Emission::from(event_type));
    let (first, second) =
        (build(EventType::ProductCreated).unwrap(), build(EventType::ProductCreated).unwrap());
    assert_eq!(first, second);
    let EventData::ProductCreated(created) = &first.data else { panic!("another event: {first:?}") };
    assert_eq!((created.sku.as_str(), created.stock), ("A", Some(3)));
    assert!(matches!(build(EventType::OrderPlaced), Err(ImageError::ForeignEvent(EventType::OrderPlaced))));
}

#[tokio::test]
async fn a_price_that_the_payment_provider_never_charges_is_refused() {
    let rules = ChargeRules::new(|_| Some(ChargeLimits { step: 10, min: 50, max: 1_000 }));
    let harness = CatalogHarness::with_charge_rules(rules).await;
    for (amount, message) in [(105, "must be a multiple of 0.10 USD"), (1_010, "must be at most 10.00 USD")] {
        let price = json!({"amount": amount, "currency": "USD"});
        let body = json!({"sku": "A", "name": "A", "price": price});
        let (status, problem) = harness.post("/products", &body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("price.amount")), "{problem}");
        assert!(problem["errors"][0]["message"].as_str().unwrap().starts_with(message), "{problem}");
    }
    // Several units may cost enough.
    assert_eq!(harness.create("A", 20).await, 201);
    let (status, problem) = harness.patch("A", &json!({"price": {"amount": 25, "currency": "USD"}})).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(harness.price("A").await, Some(20));
}
