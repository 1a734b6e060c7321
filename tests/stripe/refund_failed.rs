//! Refunds that Stripe refuses until the attempts are exhausted.

use std::time::Duration;

use orderflow_engine::Location;
use orderflow_messaging::RetryPolicy;
use orderflow_system::Settings;
use orderflow_telemetry::MetricsPage;
use orderflow_tests::TestApp;
use serde_json::json;

use crate::faults::{Call, Fault, Gate};
use crate::shop::{Books, Shop, Stripe, StripeMode, VISA, order_paid_with, wait_for_payment};

/// Starts a shop that makes a single attempt.
async fn impatient() -> Shop {
    let stripe = Stripe::start().await;
    let retry = RetryPolicy {
        max_attempts: 3,
        min_age: Duration::ZERO,
        base: Duration::from_millis(10),
        ..RetryPolicy::default()
    };
    let settings = Settings { retry, ..stripe.settings(Location::Memory) };
    TestApp { mode: StripeMode::open(stripe, settings).await }
}

fn refuse_refunds(call: Call) -> Option<Fault> {
    let refused = json!({"error": {"type": "invalid_request_error", "code": "balance_insufficient"}});
    (call == Call::Refund).then_some(Fault::Answer(400, refused))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_keeps_failing_is_listed_counted_and_retried_by_an_operator() {
    let mut shop = impatient().await;
    let gate = Gate::new();
    shop.mode.stripe.proxy.faults().once(Call::Confirm, Fault::HoldAnswer(gate.clone()));
    let order = shop.place(&order_paid_with(VISA)).await;
    gate.reached().await;
    shop.mode.stripe.proxy.faults().set(refuse_refunds);
    shop.delete(&format!("/api/v1/orders/{order}")).await.expect(200);
    wait_for_payment(&shop, &order, "refund_failed").await;
    gate.open();
    shop.wait_until_idle().await;
    assert_eq!(shop.payment(&order).await.as_deref(), Some("refund_failed"));
    let listed = shop.get("/api/v1/payments?status=refund_failed").await.expect(200).body;
    assert_eq!(listed["payments"][0]["order_id"], order.as_str(), "{listed}");
    let refund = format!("/api/v1/payments/{order}/refund");
    let refused = shop.post(&refund, &json!({})).await.expect_problem(409, "payment-not-refundable");
    assert!(refused.body["detail"].to_string().contains("balance_insufficient"), "{}", refused.body);

    shop.mode.stripe.proxy.faults().clear();
    for _ in 0..2 {
        let payment = shop.post(&refund, &json!({})).await.expect(200).body;
        assert_eq!(payment["status"], "refunded");
    }
    shop.wait_until_idle().await;
    let stripe = &shop.mode.stripe;
    assert_eq!(stripe.books(&order).await, Books { intents: 1, taken: 3998, given_back: 3998 });
    assert_eq!(stripe.proxy.arrived(Call::Refund), 1);
    assert_eq!(shop.notifications(&order).await, ["order_cancelled email", "order_refunded email"]);
    let page = MetricsPage::install().render();
    let counted = page.lines().find_map(|line| line.strip_prefix("refunds_failed_total "));
    assert_eq!(counted, Some("1"), "{page}");
}
