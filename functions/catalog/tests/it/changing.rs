//! Products that are changed, removed, and created again.

use orderflow_domain::EventData;
use orderflow_testing::service::at_once;
use serde_json::{Value, json};

use crate::harness::CatalogHarness;

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

#[tokio::test]
async fn a_patch_changes_the_fields_that_it_names_and_emits_an_event() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    let (_, before) = harness.get("/products/A").await;
    let (status, renamed) = harness.patch("a", &json!({"name": "A better thing"})).await;
    assert_eq!(status, 200, "{renamed}");
    assert_eq!((&renamed["name"], &renamed["price"]), (&json!("A better thing"), &usd(100)));
    let (_, after) = harness.patch("A", &json!({"price": usd(80)})).await;
    assert_eq!((&after["name"], &after["price"]), (&json!("A better thing"), &usd(80)));
    assert_eq!(after["created_at"], before["created_at"]);
    assert!(after["updated_at"].as_str() >= before["updated_at"].as_str());
    assert_eq!(harness.get("/products/A").await, (200, after));
    let EventData::ProductUpdated(updated) = harness.event("A").await.data else { panic!("another event") };
    assert_eq!(
        (updated.sku.as_str(), updated.name.as_str(), updated.price.amount),
        ("A", "A better thing", 80)
    );
    assert_eq!(updated.stock, None);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_writes_nothing() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    for patch in [json!({}), json!({"name": "A thing"}), json!({"name": "A thing", "price": usd(100)})] {
        let requests = harness.service.requests_of(async {
            let (status, product) = harness.patch("A", &patch).await;
            assert_eq!((status, &product["price"]), (200, &usd(100)));
        });
        assert_eq!(requests.await.of("PutItem"), 0);
    }
}

#[tokio::test]
async fn an_invalid_patch_is_refused_with_the_field() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
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
        let (status, problem) = harness.patch("A", &patch).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{patch}: {problem}");
    }
    assert_eq!(harness.patch("UNKNOWN", &json!({})).await.0, 404);
    assert_eq!(harness.get("/products/A").await.1["price"], usd(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_patches_keep_the_changes_of_each_other() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    let renames = (0..5).map(|_| json!({"name": "Renamed"}));
    let patches: Vec<Value> = renames.chain((0..5).map(|_| json!({"price": usd(80)}))).collect();
    let send = |patch: Value| {
        let harness = harness.clone();
        async move { harness.patch("A", &patch).await }
    };
    let answers = at_once(patches, send).await;
    for (status, problem) in answers {
        assert_eq!(status, 200, "{problem}");
    }
    let (_, product) = harness.get("/products/A").await;
    assert_eq!((&product["name"], &product["price"]), (&json!("Renamed"), &usd(80)));
}

#[tokio::test]
async fn a_removed_product_is_not_found_and_can_be_removed_again() {
    let harness = CatalogHarness::open().await;
    for text in ["A", "B", "C"] {
        harness.create(text, 100).await;
    }
    assert_eq!(harness.remove("b").await, 204);
    let EventData::ProductRemoved(removed) = harness.event("B").await.data else { panic!("another event") };
    assert_eq!((removed.sku.as_str(), removed.price.amount), ("B", 100));
    assert_eq!(harness.get("/products/B").await.0, 404);
    assert_eq!(harness.patch("B", &json!({"name": "Still here"})).await.0, 404);
    assert_eq!(harness.price("B").await, None);
    assert_eq!(harness.listed().await, ["A", "C"]);
    let repeat = harness.service.requests_of(async { assert_eq!(harness.remove("B").await, 204) }).await;
    assert_eq!(repeat.of("PutItem"), 0);
    assert_eq!(harness.remove("UNKNOWN").await, 404);
}

#[tokio::test]
async fn a_cursor_stays_valid_when_its_product_is_removed() {
    let harness = CatalogHarness::open().await;
    for text in ["A", "B", "C"] {
        harness.create(text, 100).await;
    }
    let (_, page) = harness.get("/products?limit=1").await;
    for text in ["A", "B"] {
        harness.remove(text).await;
    }
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, page) = harness.get(&format!("/products?limit=1&cursor={cursor}")).await;
    assert_eq!(page["products"][0]["sku"], "C", "{page}");
}

#[tokio::test]
async fn a_product_created_again_has_its_new_price_and_its_original_first_stock() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    let (_, first) = harness.get("/products/A").await;
    let creation = harness.event("A").await;
    harness.remove("A").await;
    let body = json!({"sku": "A", "name": "A again", "price": usd(70), "stock": 50});
    let (status, product) = harness.post("/products", &body).await;
    assert_eq!((status, &product["name"], &product["price"]), (201, &json!("A again"), &usd(70)));
    assert_eq!(product["created_at"], first["created_at"]);
    assert_eq!((harness.price("A").await, harness.listed().await), (Some(70), vec!["A".to_owned()]));
    let event = harness.event("A").await;
    assert_ne!(event.id, creation.id, "it is an event of its own");
    let EventData::ProductCreated(created) = event.data else { panic!("another event") };
    assert_eq!(
        (created.price.amount, created.stock),
        (70, Some(3)),
        "inventory books the same first stock from either event"
    );
    assert_eq!(harness.create("A", 1).await, 409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_concurrent_creations_of_a_removed_product_succeeds() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    harness.remove("A").await;
    let create = |amount| {
        let harness = harness.clone();
        async move { harness.create("A", amount).await }
    };
    let statuses = at_once(1..=10, create).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    let created = i64::try_from(statuses.iter().position(|status| *status == 201).unwrap()).unwrap() + 1;
    assert_eq!(harness.price("A").await, Some(created));
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_seen_and_can_be_repeated() {
    let harness = CatalogHarness::open().await;
    harness.create("A", 100).await;
    harness.service.lose_answers_of_writes();
    let patch = json!({"price": usd(80)});
    assert_eq!(harness.patch("A", &patch).await.0, 503);
    harness.service.stop_failing();
    assert_eq!(harness.price("A").await, Some(80));
    assert_eq!(harness.patch("A", &patch).await.0, 200);
    harness.service.lose_answers_of_writes();
    assert_eq!(harness.remove("A").await, 503);
    harness.service.stop_failing();
    assert_eq!(harness.price("A").await, None);
    assert_eq!(harness.remove("A").await, 204);
}
