//! A shop keeps the currency of its first start.

use orderflow_catalog::{ShopCurrencyError, claim_currency};
use orderflow_domain::Currency;

use crate::harness::CatalogHarness;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

async fn claim(harness: &CatalogHarness, code: &str) -> Result<(), ShopCurrencyError> {
    claim_currency(&harness.service.store, &currency(code)).await
}

async fn refuses(harness: &CatalogHarness, code: &str) -> bool {
    matches!(
        claim(harness, code).await,
        Err(ShopCurrencyError::Another { stored, wanted }) if stored == currency("USD") && wanted == currency(code)
    )
}

#[tokio::test]
async fn a_shop_keeps_its_first_currency() {
    let harness = CatalogHarness::open().await;
    claim(&harness, "USD").await.unwrap();
    assert!(refuses(&harness, "JPY").await);
    claim(&harness, "USD").await.unwrap();
    assert_eq!(harness.listed().await, [] as [String; 0], "the currency is no product");
}

#[tokio::test]
async fn a_shop_of_an_earlier_version_has_the_currency_of_its_products() {
    let harness = CatalogHarness::open().await;
    assert_eq!(harness.create("MUG", 950).await, 201);
    assert!(refuses(&harness, "EUR").await);
    claim(&harness, "USD").await.unwrap();
}
