//! An outage of the payment provider for 30 seconds.

use std::time::Duration;

use crate::load::{Limit, place_at_rate};
use crate::shop::Shop;
use crate::tables::Tables;

const OUTAGE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_payment_provider_for_30_seconds_fails_no_order() {
    let (sku, stock) = ("CARD", 1_000);
    let shop = Shop::open(sku, stock).await;
    let payment = shop.consumer("payment");
    let seen = async |metric: &str| {
        shop.text_of(payment, "/metrics").await.lines().any(|line| line.starts_with(metric))
    };
    shop.break_payment(payment, "down").await;
    let accepted = place_at_rate(&shop, sku, 10, Limit::Time(OUTAGE)).await;
    assert!(seen(r#"circuit_breaker_transitions_total{breaker="payment-gateway",to="open"}"#).await);
    assert!(seen(r#"circuit_breaker_transitions_total{breaker="payment-gateway",to="half_open"}"#).await);
    assert_eq!(shop.dead_letters().await, 0);
    shop.break_payment(payment, "ok").await;
    shop.wait_until("the breaker closes", async || {
        seen(r#"circuit_breaker_transitions_total{breaker="payment-gateway",to="closed"}"#).await
    })
    .await;
    let tables = Tables::of(shop.store.url()).await;
    tables.wait_until_settled().await;
    tables.check(&accepted, sku, stock).await;
    assert_eq!(shop.dead_letters().await, 0);
}
