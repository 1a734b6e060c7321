//! Orders whose units are reserved.

use orderflow_domain::{EventData, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::Outcome;
use orderflow_payments::{
    GatewayFault, PaymentStatus, SimulatedChargeStatus, SimulatedSettings, SuccessRate,
};
use orderflow_testing::samples::resent;
use orderflow_testing::service::is_retry;
use serde_json::Value;

use crate::harness::{PaymentsHarness, TRACE, reserved, reserved_with};

#[tokio::test]
async fn a_reserved_order_is_charged_and_emits_payment_completed() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    assert_eq!(payments.deliver(&[reserved(order)]).await, [Outcome::Done]);

    let row = payments.row(order).await.unwrap();
    assert_eq!(row.status, PaymentStatus::Completed);
    let events = payments.emitted().await;
    let [event] = &events[..] else { panic!("{events:?}") };
    let EventData::PaymentCompleted(outcome) = &event.data else { panic!("{event:?}") };
    assert_eq!(outcome.order_id, order);
    assert_eq!((outcome.amount, outcome.currency.as_str()), (3998, "USD"));
    assert!(outcome.provider_id.is_some() && outcome.provider_id == row.provider_id);
    assert_eq!(event.traceparent.as_deref(), Some(TRACE));
}

#[tokio::test]
async fn three_deliveries_make_one_charge_and_one_event() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    let twice = [reserved(order), reserved(order)];
    assert_eq!(payments.deliver(&twice).await, [Outcome::Done, Outcome::Done]);
    payments.deliver(&[reserved(order)]).await;
    let charge = payments.gateway.charge_of(order).await.unwrap().unwrap();
    assert_eq!(charge.status, SimulatedChargeStatus::Captured);
    assert_eq!(charge.created_at, charge.updated_at);
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);
}

#[tokio::test]
async fn a_declined_charge_emits_payment_failed_with_its_reason() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.deliver(&[reserved_with(order, Some("tok_declined"))]).await;
    let row = payments.row(order).await.unwrap();
    assert_eq!(row.status, PaymentStatus::Failed);
    assert_eq!(row.reason.as_deref(), Some("card_declined"));
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Declined));
    assert_eq!(payments.emitted_types().await, ["payment.failed"]);
}

#[tokio::test]
async fn a_charge_whose_answer_is_lost_is_found_by_its_key() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    let event = reserved_with(order, Some("tok_timeout"));
    assert_eq!(payments.deliver(&[event]).await, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);
}

#[tokio::test]
async fn a_charge_with_unknown_outcome_leaves_a_claimed_row_until_it_is_known() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    // The simulated gateway cannot write its record, so the outcome of the charge is unknown.
    payments.service.embedded.inject(std::sync::Arc::new(gateway_writes_fail));
    let outcomes = payments.deliver(&[reserved(order)]).await;
    assert!(is_retry(&outcomes[0]), "{outcomes:?}");
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Unknown));
    assert!(payments.emitted().await.is_empty());

    payments.service.stop_failing();
    assert_eq!(payments.deliver(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Captured));
}

fn gateway_writes_fail(operation: &str, body: &Value) -> Option<Fault> {
    let writes_charge = operation == "PutItem" && body.to_string().contains("ledger#");
    writes_charge.then_some(Fault::InternalServerError)
}

#[tokio::test]
async fn an_unavailable_gateway_leaves_no_row() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    payments.fault.set(GatewayFault::Down);
    let outcomes = payments.deliver(&[reserved(order)]).await;
    assert!(is_retry(&outcomes[0]), "{outcomes:?}");
    assert_eq!(payments.row(order).await, None);

    payments.fault.set(GatewayFault::Ok);
    assert_eq!(payments.charge_status(order).await, None);
    assert_eq!(payments.deliver(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));
}

#[tokio::test]
async fn a_success_rate_of_zero_and_the_decline_fault_decline_every_charge() {
    let settings = SimulatedSettings { success_rate: SuccessRate::NONE, ..SimulatedSettings::default() };
    let with_rate = PaymentsHarness::with_settings(settings).await;
    let with_fault = PaymentsHarness::open().await;
    with_fault.fault.set(GatewayFault::Decline);
    for payments in [with_rate, with_fault] {
        for _ in 0..5 {
            let order = OrderId::generate();
            payments.deliver(&[reserved(order)]).await;
            assert_eq!(payments.status(order).await, Some(PaymentStatus::Failed));
        }
    }
}

#[tokio::test]
async fn a_batch_needs_one_read_and_one_transaction() {
    let payments = PaymentsHarness::open().await;
    let events: Vec<_> = (0..10).map(|_| reserved(OrderId::generate())).collect();
    let before = payments.service.embedded.requests();
    let outcomes = payments.deliver(&events).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done));
    let made = payments.service.embedded.requests().since(&before);
    assert_eq!(made.of("BatchGetItem"), 1);
    assert_eq!(made.of("TransactWriteItems"), 1);
    assert_eq!(made.of("PutItem"), 10, "the records of the simulated gateway");
}

#[tokio::test]
async fn an_order_whose_charge_fails_does_not_delay_the_others_of_its_batch() {
    let payments = PaymentsHarness::open().await;
    let orders: Vec<_> = (0..3).map(|_| OrderId::generate()).collect();
    let failing = orders[1].to_string();
    let fails = move |operation: &str, body: &Value| {
        let failing = body["Item"]["pk"]["S"] == format!("ledger#{failing}");
        (operation == "PutItem" && failing).then_some(Fault::InternalServerError)
    };
    payments.service.embedded.inject(std::sync::Arc::new(fails));
    let events: Vec<_> = orders.iter().copied().map(reserved).collect();
    let outcomes = payments.deliver(&events).await;
    assert_eq!(outcomes[0], Outcome::Done);
    assert!(is_retry(&outcomes[1]), "{outcomes:?}");
    assert_eq!(outcomes[2], Outcome::Done);
}

#[tokio::test]
async fn a_resent_event_emits_the_answer_again_without_a_second_charge() {
    let payments = PaymentsHarness::open().await;
    let order = OrderId::generate();
    let event = reserved(order);
    payments.deliver(std::slice::from_ref(&event)).await;
    payments.deliver(&[resent(&event, 2)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.completed", "payment.completed@2"]);
    assert_eq!(payments.row(order).await.unwrap().version, 2);
}
