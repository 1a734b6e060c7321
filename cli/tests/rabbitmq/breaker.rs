//! A payment provider that is out of order for half a minute.

use std::time::Duration;

use crate::books::Books;
use crate::load::{Limit, place_at_rate};
use crate::part::PATIENCE;
use crate::shop::{Shop, wait_for};

const DOWN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_down_for_half_a_minute_costs_no_order() {
    let (sku, stock) = ("CARD", 1_000);
    let shop = Shop::open(sku, stock).await;
    let payment = shop.consumer("payment");
    let seen = async |metric: &str| {
        shop.text_of(payment, "/metrics").await.lines().any(|line| line.starts_with(metric))
    };
    shop.break_payment(payment, "down").await;
    let accepted = place_at_rate(&shop, sku, 10, Limit::Time(DOWN)).await;
    assert!(seen(r#"circuit_breaker_transitions_total{breaker="payment-gateway",to="open"}"#).await);
    assert!(seen(r#"circuit_breaker_transitions_total{breaker="payment-gateway",to="half_open"}"#).await);
    assert_eq!(shop.dead_letters().await, 0);
    shop.break_payment(payment, "ok").await;
    wait_for("the breaker closes", PATIENCE, async || {
        seen(r#"circuit_breaker_transitions_total{breaker="payment-gateway",to="closed"}"#).await
    })
    .await;
    let books = Books::of(shop.store.url()).await;
    books.settle().await;
    books.check(&accepted, sku, stock).await;
    assert_eq!(shop.dead_letters().await, 0);
}
