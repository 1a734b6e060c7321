//! Orders with a total of 0, which are confirmed without a charge.

use orderflow_domain::{EventData, OrderId};
use orderflow_messaging::Outcome;
use orderflow_payments::{GatewayFault, PaymentStatus};
use orderflow_testing::samples::resent;

use crate::harness::{PaymentsHarness, cancelled, free, reserved, reserved_with};

/// Opens payments whose gateway answers no call.
async fn without_provider() -> PaymentsHarness {
    let payments = PaymentsHarness::open().await;
    payments.fault.set(GatewayFault::Down);
    payments
}

#[tokio::test]
async fn a_free_order_is_confirmed_without_a_charge() {
    let payments = without_provider().await;
    for event in [reserved(OrderId::generate()), reserved_with(OrderId::generate(), Some("tok_declined"))] {
        let order = event.data.order_id().unwrap();
        assert_eq!(payments.deliver(&[free(event)]).await, [Outcome::Done]);
        let row = payments.row(order).await.unwrap();
        assert_eq!((row.status, row.amount, row.provider_id), (PaymentStatus::Completed, 0, None));
        assert_eq!(payments.charge_status(order).await, None);
    }
    let events = payments.emitted().await;
    for event in &events {
        let EventData::PaymentCompleted(outcome) = &event.data else { panic!("{event:?}") };
        assert_eq!((outcome.amount, outcome.currency.as_str()), (0, "USD"));
    }
    assert_eq!(events.len(), 2);
}

#[tokio::test]
async fn a_cancelled_free_order_is_voided_before_and_after_its_confirmation() {
    let payments = without_provider().await;
    let (before, after) = (OrderId::generate(), OrderId::generate());
    for event in [cancelled(before), reserved(before), reserved(after), cancelled(after), cancelled(after)] {
        assert_eq!(payments.deliver(&[free(event)]).await, [Outcome::Done]);
    }
    for order in [before, after] {
        assert_eq!(payments.status(order).await, Some(PaymentStatus::Voided));
        assert_eq!(payments.charge_status(order).await, None);
    }
    assert_eq!(payments.emitted_types().await, ["payment.voided", "payment.completed", "payment.voided"]);
}

#[tokio::test]
async fn a_resent_event_of_a_free_order_is_answered_again() {
    let payments = without_provider().await;
    let event = free(reserved(OrderId::generate()));
    payments.deliver(std::slice::from_ref(&event)).await;
    payments.deliver(&[resent(&event, 2)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.completed", "payment.completed@2"]);
}
