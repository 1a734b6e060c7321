//! For any sequence of events and any crashes: no refused order stays charged, and every other order is charged once.

use std::sync::Arc;

use orderflow_domain::{Event, OrderId};
use orderflow_embedded::Fault;
use orderflow_payments::{PaymentStatus, SimulatedChargeStatus};
use proptest::prelude::*;
use serde_json::Value;

use crate::harness::{PaymentsHarness, cancelled, rejected, reserved_with};

/// The deliveries of one order.
#[derive(Debug, Clone)]
struct History {
    token: Option<&'static str>,
    deliveries: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    kind: EventKind,
    /// The consumer crashes before it writes the row; the event is then delivered again at the end.
    crashes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum EventKind {
    Reserved,
    Cancelled,
    OutOfStock,
    Declined,
}

fn histories() -> impl Strategy<Value = History> {
    let kind = prop_oneof![
        4 => Just(EventKind::Reserved),
        1 => Just(EventKind::Cancelled),
        1 => Just(EventKind::OutOfStock),
        1 => Just(EventKind::Declined),
    ];
    let step = (kind, any::<bool>()).prop_map(|(kind, crashes)| Step { kind, crashes });
    let token = prop_oneof![
        3 => Just(None),
        1 => Just(Some("tok_timeout")),
        1 => Just(Some("tok_declined")),
    ];
    let deliveries = proptest::collection::vec(step, 1..7);
    (token, deliveries).prop_map(|(token, deliveries)| History { token, deliveries })
}

fn event(order: OrderId, kind: EventKind, token: Option<&str>) -> Event {
    match kind {
        EventKind::Reserved => reserved_with(order, token),
        EventKind::Cancelled => cancelled(order),
        EventKind::OutOfStock => rejected(order, "out_of_stock"),
        EventKind::Declined => rejected(order, "payment_declined"),
    }
}

fn rows_fail(operation: &str, body: &Value) -> Option<Fault> {
    let row = operation == "PutItem" && !body.to_string().contains("ledger#");
    row.then_some(Fault::InternalServerError)
}

async fn deliver_all(payments: &PaymentsHarness, order: OrderId, history: &History) {
    for step in &history.deliveries {
        if step.crashes {
            payments.service.embedded.inject(Arc::new(rows_fail));
        }
        let event = event(order, step.kind, history.token);
        payments.deliver(&[event]).await;
        payments.service.stop_failing();
    }
    for step in history.deliveries.iter().filter(|step| step.crashes) {
        let event = event(order, step.kind, history.token);
        payments.deliver(&[event]).await;
    }
}

async fn check(payments: &PaymentsHarness, history: &History) -> Result<(), TestCaseError> {
    let order = OrderId::generate();
    deliver_all(payments, order, history).await;
    let (status, charge) = (payments.status(order).await, payments.charge_status(order).await);
    let refusals: Vec<EventKind> =
        history.deliveries.iter().map(|step| step.kind).filter(|kind| *kind != EventKind::Reserved).collect();
    if let Some(first) = refusals.first() {
        prop_assert_ne!(charge, Some(SimulatedChargeStatus::Captured));
        let reversed =
            [Some(PaymentStatus::Voided), Some(PaymentStatus::Refunded), Some(PaymentStatus::Failed)];
        prop_assert!(reversed.contains(&status), "{:?}", status);
        // An order ends once. If it were refused for two reasons, no charge would be left either, but the row of a
        // refunded charge could say "voided".
        if refusals.iter().all(|refusal| refusal == first) {
            let is_refunded = charge == Some(SimulatedChargeStatus::Refunded);
            prop_assert_eq!(is_refunded, status == Some(PaymentStatus::Refunded));
        }
    } else if history.token == Some("tok_declined") {
        prop_assert_eq!(status, Some(PaymentStatus::Failed));
        prop_assert_eq!(charge, Some(SimulatedChargeStatus::Declined));
    } else {
        prop_assert_eq!(status, Some(PaymentStatus::Completed));
        prop_assert_eq!(charge, Some(SimulatedChargeStatus::Captured));
    }
    Ok(())
}

#[test]
fn no_refused_order_stays_charged_and_every_other_is_charged_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let payments = runtime.block_on(PaymentsHarness::open());
    let config = ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(history in histories())| {
        runtime.block_on(check(&payments, &history))?;
    });
}
