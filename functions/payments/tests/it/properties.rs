//! Whatever comes, in whatever order, and wherever workers die: no refused order is charged, every other is, once.

use std::sync::Arc;

use orderflow_domain::{Event, OrderId};
use orderflow_embedded::Fault;
use orderflow_payments::{LedgerStatus, PaymentStatus};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{Payments, cancelled, rejected, reserved_with};

/// What one order goes through.
#[derive(Debug, Clone)]
struct Story {
    token: Option<&'static str>,
    deliveries: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    what: What,
    /// The worker dies before it writes the row; the delivery then comes again at the end.
    dies: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Reserved,
    Cancelled,
    OutOfStock,
    Declined,
}

fn stories() -> impl Strategy<Value = Story> {
    let what = prop_oneof![
        4 => Just(What::Reserved),
        1 => Just(What::Cancelled),
        1 => Just(What::OutOfStock),
        1 => Just(What::Declined),
    ];
    let step = (what, any::<bool>()).prop_map(|(what, dies)| Step { what, dies });
    let token = prop_oneof![
        3 => Just(None),
        1 => Just(Some("tok_timeout")),
        1 => Just(Some("tok_declined")),
    ];
    let deliveries = proptest::collection::vec(step, 1..7);
    (token, deliveries).prop_map(|(token, deliveries)| Story { token, deliveries })
}

fn event(order: OrderId, what: What, token: Option<&str>) -> Event {
    match what {
        What::Reserved => reserved_with(order, token),
        What::Cancelled => cancelled(order),
        What::OutOfStock => rejected(order, "out_of_stock"),
        What::Declined => rejected(order, "payment_declined"),
    }
}

fn rows_fail(operation: &str, body: &Value) -> Option<Fault> {
    let row = operation == "PutItem" && !body.to_string().contains("ledger#");
    row.then_some(Fault::InternalServerError)
}

async fn play(payments: &Payments, order: OrderId, story: &Story) {
    for step in &story.deliveries {
        if step.dies {
            payments.embedded.inject(Arc::new(rows_fail));
        }
        let event = event(order, step.what, story.token);
        payments.handle(&[event]).await;
        payments.embedded.stop_injecting();
    }
    for step in story.deliveries.iter().filter(|step| step.dies) {
        let event = event(order, step.what, story.token);
        payments.handle(&[event]).await;
    }
}

async fn holds(payments: &Payments, story: &Story) -> Result<(), TestCaseError> {
    let order = OrderId::generate();
    play(payments, order, story).await;
    let (status, ledger) = (payments.status(order).await, payments.ledger(order).await);
    let refusals: Vec<What> =
        story.deliveries.iter().map(|step| step.what).filter(|what| *what != What::Reserved).collect();
    if let Some(first) = refusals.first() {
        prop_assert_ne!(ledger, Some(LedgerStatus::Captured));
        let undone =
            [Some(PaymentStatus::Voided), Some(PaymentStatus::Refunded), Some(PaymentStatus::Failed)];
        prop_assert!(undone.contains(&status), "{:?}", status);
        // An order ends once. Were it refused for two reasons, there would be no net charge either, but the row could
        // say "voided" of a charge that was given back.
        if refusals.iter().all(|refusal| refusal == first) {
            let given_back = ledger == Some(LedgerStatus::Refunded);
            prop_assert_eq!(given_back, status == Some(PaymentStatus::Refunded));
        }
    } else if story.token == Some("tok_declined") {
        prop_assert_eq!(status, Some(PaymentStatus::Failed));
        prop_assert_eq!(ledger, Some(LedgerStatus::Declined));
    } else {
        prop_assert_eq!(status, Some(PaymentStatus::Completed));
        prop_assert_eq!(ledger, Some(LedgerStatus::Captured));
    }
    Ok(())
}

#[test]
fn no_refused_order_is_charged_and_every_other_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let payments = runtime.block_on(Payments::start());
    let config = ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(story in stories())| {
        runtime.block_on(holds(&payments, &story))?;
    });
}
