//! Orders with a total of 0, which Stripe would refuse to charge.

use orderflow_messaging::Outcome;
use orderflow_payments::PaymentStatus;

use super::StripeHarness;
use super::stub::StripeStub;
use crate::harness::{cancelled, free, reserved_with};

#[tokio::test]
async fn a_free_order_never_reaches_stripe() {
    let harness = StripeHarness::start(StripeStub::start().await).await;
    let order = harness.order;
    for (event, status) in [
        (reserved_with(order, Some("pm_secret")), PaymentStatus::Completed),
        (cancelled(order), PaymentStatus::Voided),
    ] {
        assert_eq!(harness.deliver_event(free(event)).await, Outcome::Done);
        assert_eq!(harness.payments.status(order).await, Some(status));
    }
    assert!(harness.stub.lines().is_empty());
}
