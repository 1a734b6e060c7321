//! A first start that is cut off after any of its commits: the next start completes it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use orderflow_domain::{Currency, Money, stripe_charge_rules};
use orderflow_engine::Location;
use orderflow_payments::{ApiKey, PaymentProvider, StripeSettings};
use orderflow_system::{Settings, StoreLocation, System, table_states};
use orderflow_tests::{EmbeddedMode, Mode};
use serde_json::json;

fn location(directory: &Path) -> Location {
    Location::Directory(directory.to_owned())
}

/// Returns the prefixes of a write-ahead log that end with a commit.
fn commits(log: &[u8]) -> Vec<&[u8]> {
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
    let (header, frame) = (32, 24 + number(8));
    let ends = (1..=(log.len() - header) / frame).map(|count| header + count * frame);
    ends.filter(|end| number(end - frame + 4) > 0).map(|end| &log[..end]).collect()
}

async fn products(mode: &EmbeddedMode) -> usize {
    let request = Request::get("/api/v1/products").body(Body::empty()).unwrap();
    mode.call(request).await.expect(200).body["products"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_next_start_completes_tables_and_demo_products() {
    let directory = tempfile::tempdir().unwrap();
    let system = System::open(Settings::new(location(directory.path()))).await.unwrap();
    system.add_demo_products().await.unwrap();
    let database = std::fs::read(directory.path().join("orderflow.db")).unwrap();
    let log = std::fs::read(directory.path().join("orderflow.db-wal")).unwrap();
    let mut incomplete = 0;
    for log in commits(&log) {
        let cut = tempfile::tempdir().unwrap();
        std::fs::write(cut.path().join("orderflow.db"), &database).unwrap();
        std::fs::write(cut.path().join("orderflow.db-wal"), log).unwrap();
        let states =
            table_states(&StoreLocation::Embedded(location(cut.path()).into()), "orderflow").await.unwrap();
        incomplete +=
            usize::from(states.iter().any(|table| !table.exists || !table.missing_indexes.is_empty()));
        let mut shop = EmbeddedMode::open(Settings::new(location(cut.path()))).await.unwrap();
        assert_eq!(products(&shop).await, 5, "after {incomplete} cuts");
        let order = json!({"customer_id": "C1", "email": "c1@example.com",
            "items": [{"sku": "PRODUCT-003", "quantity": 1}]});
        let request = Request::post("/api/v1/orders").header("content-type", "application/json");
        shop.call(request.body(Body::from(order.to_string())).unwrap()).await.expect(202);
        shop.wait_until_idle().await;
        let request = Request::get("/api/v1/orders?customer_id=C1").body(Body::empty()).unwrap();
        let orders = shop.call(request).await.expect(200).body;
        assert_ne!(orders["orders"][0]["status"], "pending", "{orders}");
    }
    assert!(incomplete > 5, "{incomplete}");
}

#[tokio::test]
async fn a_removed_demo_product_does_not_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let shop = EmbeddedMode::open(Settings::new(location(directory.path()))).await.unwrap();
    for (sku, ..) in orderflow_system::DEMO_PRODUCTS {
        let request = Request::delete(format!("/api/v1/products/{sku}")).body(Body::empty()).unwrap();
        shop.call(request).await.expect(204);
    }
    drop(shop);
    let shop = EmbeddedMode::open(Settings::new(location(directory.path()))).await.unwrap();
    assert_eq!(products(&shop).await, 0);
}

#[tokio::test]
async fn every_demo_product_has_a_price_that_the_payment_provider_charges() {
    for code in ["USD", "JPY", "MGA", "KWD", "HUF", "UGX", "IDR"] {
        let currency = Currency::parse(code).unwrap();
        let api_url = "http://127.0.0.1:1".parse().unwrap();
        let stripe = StripeSettings { api_key: ApiKey::parse("sk_test_1").unwrap(), api_url };
        let settings = Settings {
            payment: PaymentProvider::Stripe(stripe),
            currency: currency.clone(),
            ..Settings::new(Location::Memory)
        };
        let shop = EmbeddedMode::open(settings).await.unwrap();
        let request = Request::get("/api/v1/products").body(Body::empty()).unwrap();
        let products = shop.call(request).await.expect(200).body["products"].take();
        let prices: Vec<i64> = products
            .as_array()
            .unwrap()
            .iter()
            .map(|product| product["price"]["amount"].as_i64().unwrap())
            .collect();
        assert_eq!(prices.len(), 5, "{code}");
        for amount in prices {
            let price = Money { amount, currency: currency.clone() };
            assert_eq!(stripe_charge_rules().check_total(&price), Ok(()), "{price}");
        }
    }
}
