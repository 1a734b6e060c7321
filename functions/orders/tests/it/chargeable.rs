//! Orders whose total the payment provider would never charge.

use orderflow_domain::{ChargeLimits, ChargeRules, stripe_charge_rules};
use orderflow_testing::samples::UNIT_PRICE;

use crate::harness::IntakeHarness;

fn limits(min: i64, max: i64) -> ChargeLimits {
    ChargeLimits { step: 1, min, max }
}

#[tokio::test]
async fn an_order_below_the_lowest_charge_is_refused() {
    let rules = ChargeRules::new(|_| Some(limits(UNIT_PRICE + 1, i64::MAX)));
    let shop = IntakeHarness::with_charge_rules(rules).await;
    let (status, problem) = shop.place("K1", &["A"]).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(problem["errors"][0]["field"], "items");
    let message = problem["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("have a total that must be at least"), "{message}");
    assert!(shop.orders().await.is_empty());
    assert_eq!(shop.place("K2", &["A", "B"]).await.0, 202);
}

#[tokio::test]
async fn an_order_above_the_highest_charge_is_refused() {
    let shop = IntakeHarness::with_charge_rules(ChargeRules::new(|_| Some(limits(1, UNIT_PRICE)))).await;
    assert_eq!(shop.place("K1", &["A", "B"]).await.0, 422);
    assert_eq!(shop.place("K2", &["A"]).await.0, 202);
}

#[tokio::test]
async fn an_order_that_stripe_charges_is_accepted() {
    let shop = IntakeHarness::with_charge_rules(stripe_charge_rules()).await;
    assert_eq!(shop.place("K1", &["A"]).await.0, 202);
}
