//! Products that are changed, removed, and brought back.

use std::sync::Arc;

use orderflow_domain::EventData;
use orderflow_embedded::Fault;
use serde_json::{Value, json};

use crate::support::Shop;

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_is_told() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    let (_, before) = shop.get("/products/A").await;
    let (status, renamed) = shop.patch("a", &json!({"name": "A better thing"})).await;
    assert_eq!(status, 200, "{renamed}");
    assert_eq!((&renamed["name"], &renamed["price"]), (&json!("A better thing"), &usd(100)));
    let (_, after) = shop.patch("A", &json!({"price": usd(80)})).await;
    assert_eq!((&after["name"], &after["price"]), (&json!("A better thing"), &usd(80)));
    assert_eq!(after["created_at"], before["created_at"]);
    assert!(after["updated_at"].as_str() >= before["updated_at"].as_str());
    assert_eq!(shop.get("/products/A").await, (200, after));
    let EventData::ProductUpdated(told) = shop.event("A").await.data else { panic!("another event") };
    assert_eq!((told.sku.as_str(), told.name.as_str(), told.price.amount), ("A", "A better thing", 80));
    assert_eq!(told.stock, None);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_writes_nothing() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    for patch in [json!({}), json!({"name": "A thing"}), json!({"name": "A thing", "price": usd(100)})] {
        let requests = shop.requests_of(async {
            let (status, product) = shop.patch("A", &patch).await;
            assert_eq!((status, &product["price"]), (200, &usd(100)));
        });
        assert_eq!(requests.await.of("PutItem"), 0);
    }
}

#[tokio::test]
async fn a_patch_that_is_none_names_the_field() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    for (patch, field) in [
        (json!({"name": null}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": "x".repeat(201)}), "name"),
        (json!({"price": null}), "price"),
        (json!({"price": {"amount": 1}}), "price.currency"),
        (json!({"price": usd(-1)}), "price.amount"),
        (json!({"price": {"amount": 1, "currency": "EUR"}}), "price.currency"),
        (json!({"sku": "B"}), "sku"),
        (json!({"stock": 1}), "stock"),
    ] {
        let (status, problem) = shop.patch("A", &patch).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{patch}: {problem}");
    }
    assert_eq!(shop.patch("NOBODY", &json!({})).await.0, 404);
    assert_eq!(shop.get("/products/A").await.1["price"], usd(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_that_race_lose_nothing_of_each_other() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    let renames = (0..5).map(|_| json!({"name": "Renamed"}));
    let patches: Vec<Value> = renames.chain((0..5).map(|_| json!({"price": usd(80)}))).collect();
    let answers = shop.at_once(patches, |shop, patch| async move { shop.patch("A", &patch).await }).await;
    for (status, problem) in answers {
        assert_eq!(status, 200, "{problem}");
    }
    let (_, product) = shop.get("/products/A").await;
    assert_eq!((&product["name"], &product["price"]), (&json!("Renamed"), &usd(80)));
}

#[tokio::test]
async fn a_removed_product_is_nowhere_and_removing_it_again_is_no_error() {
    let shop = Shop::open().await;
    for text in ["A", "B", "C"] {
        shop.create(text, 100).await;
    }
    assert_eq!(shop.remove("b").await, 204);
    let EventData::ProductRemoved(told) = shop.event("B").await.data else { panic!("another event") };
    assert_eq!((told.sku.as_str(), told.price.amount), ("B", 100));
    assert_eq!(shop.get("/products/B").await.0, 404);
    assert_eq!(shop.patch("B", &json!({"name": "Still here"})).await.0, 404);
    assert_eq!(shop.price("B").await, None);
    assert_eq!(shop.listed().await, ["A", "C"]);
    let again = shop.requests_of(async { assert_eq!(shop.remove("B").await, 204) }).await;
    assert_eq!(again.of("PutItem"), 0);
    assert_eq!(shop.remove("NOBODY").await, 404);
}

#[tokio::test]
async fn a_listing_goes_on_behind_products_that_were_removed() {
    let shop = Shop::open().await;
    for text in ["A", "B", "C"] {
        shop.create(text, 100).await;
    }
    let (_, page) = shop.get("/products?limit=1").await;
    for text in ["A", "B"] {
        shop.remove(text).await;
    }
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, page) = shop.get(&format!("/products?limit=1&cursor={cursor}")).await;
    assert_eq!(page["products"][0]["sku"], "C", "{page}");
}

#[tokio::test]
async fn a_product_that_is_brought_back_has_a_new_price_and_its_first_stock() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    let (_, first) = shop.get("/products/A").await;
    let creation = shop.event("A").await;
    shop.remove("A").await;
    let body = json!({"sku": "A", "name": "A again", "price": usd(70), "stock": 50});
    let (status, product) = shop.send("POST", "/products", &body).await;
    assert_eq!((status, &product["name"], &product["price"]), (201, &json!("A again"), &usd(70)));
    assert_eq!(product["created_at"], first["created_at"]);
    assert_eq!((shop.price("A").await, shop.listed().await), (Some(70), vec!["A".to_owned()]));
    let event = shop.event("A").await;
    assert_ne!(event.id, creation.id, "it is news");
    let EventData::ProductCreated(told) = event.data else { panic!("another event") };
    assert_eq!(
        (told.price.amount, told.stock),
        (70, Some(3)),
        "whichever creation comes first books the same"
    );
    assert_eq!(shop.create("A", 1).await, 409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_bring_a_product_back_one_does() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    shop.remove("A").await;
    let statuses = shop.at_once(1..=10, |shop, amount| async move { shop.create("A", amount).await }).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    let brought_back = i64::try_from(statuses.iter().position(|status| *status == 201).unwrap()).unwrap() + 1;
    assert_eq!(shop.price("A").await, Some(brought_back));
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_seen_and_can_be_repeated() {
    let shop = Shop::open().await;
    shop.create("A", 100).await;
    let loses = |operation: &str, _: &Value| (operation == "PutItem").then_some(Fault::LostAnswer);
    shop.embedded.inject(Arc::new(loses));
    let patch = json!({"price": usd(80)});
    assert_eq!(shop.patch("A", &patch).await.0, 503);
    shop.embedded.stop_injecting();
    assert_eq!(shop.price("A").await, Some(80));
    assert_eq!(shop.patch("A", &patch).await.0, 200);
    shop.embedded.inject(Arc::new(loses));
    assert_eq!(shop.remove("A").await, 503);
    shop.embedded.stop_injecting();
    assert_eq!(shop.price("A").await, None);
    assert_eq!(shop.remove("A").await, 204);
}
