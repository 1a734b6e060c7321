//! Orders whose units are held.

use orderflow_domain::{EventData, OrderId};
use orderflow_embedded::Fault;
use orderflow_messaging::Outcome;
use orderflow_payments::{GatewayFault, LedgerStatus, PaymentStatus, SimulatedSettings, SuccessRate};
use serde_json::Value;

use crate::support::{Payments, TRACE, again, is_retry, reserved, reserved_with};

#[tokio::test]
async fn a_reserved_order_is_charged_and_tells_of_it() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    assert_eq!(payments.handle(&[reserved(order)]).await, [Outcome::Done]);

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
async fn three_deliveries_charge_once_and_tell_once() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    let twice = [reserved(order), reserved(order)];
    assert_eq!(payments.handle(&twice).await, [Outcome::Done, Outcome::Done]);
    payments.handle(&[reserved(order)]).await;
    let entry = payments.gateway.ledger(order).await.unwrap().unwrap();
    assert_eq!(entry.status, LedgerStatus::Captured);
    assert_eq!(entry.created_at, entry.updated_at);
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);
}

#[tokio::test]
async fn a_decline_is_told_with_its_reason() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.handle(&[reserved_with(order, Some("tok_declined"))]).await;
    let row = payments.row(order).await.unwrap();
    assert_eq!(row.status, PaymentStatus::Failed);
    assert_eq!(row.reason.as_deref(), Some("card_declined"));
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::Declined));
    assert_eq!(payments.emitted_types().await, ["payment.failed"]);
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_by_its_key_and_charged_once() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    let event = reserved_with(order, Some("tok_timeout"));
    assert_eq!(payments.handle(&[event]).await, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));
    assert_eq!(payments.emitted_types().await, ["payment.completed"]);
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_a_visible_claim_until_it_is_known() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    // The gateway's ledger fails: nobody can know whether the charge was entered.
    payments.embedded.inject(std::sync::Arc::new(ledger_fails));
    let outcomes = payments.handle(&[reserved(order)]).await;
    assert!(is_retry(&outcomes[0]), "{outcomes:?}");
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Claimed));
    assert!(payments.emitted().await.is_empty());

    payments.embedded.stop_injecting();
    assert_eq!(payments.handle(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::Captured));
}

fn ledger_fails(operation: &str, body: &Value) -> Option<Fault> {
    let writes_the_ledger = operation == "PutItem" && body.to_string().contains("ledger#");
    writes_the_ledger.then_some(Fault::InternalServerError)
}

#[tokio::test]
async fn a_gateway_that_is_down_leaves_nothing_behind() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    payments.fault.set(GatewayFault::Down);
    let outcomes = payments.handle(&[reserved(order)]).await;
    assert!(is_retry(&outcomes[0]), "{outcomes:?}");
    assert_eq!(payments.row(order).await, None);

    payments.fault.set(GatewayFault::Ok);
    assert_eq!(payments.ledger(order).await, None);
    assert_eq!(payments.handle(&[reserved(order)]).await, [Outcome::Done]);
    assert_eq!(payments.status(order).await, Some(PaymentStatus::Completed));
}

#[tokio::test]
async fn a_rate_of_zero_and_the_decline_switch_decline_everything() {
    let settings = SimulatedSettings { success_rate: SuccessRate::NONE, ..SimulatedSettings::default() };
    let declining = Payments::with_settings(settings).await;
    let switched = Payments::start().await;
    switched.fault.set(GatewayFault::Decline);
    for payments in [declining, switched] {
        for _ in 0..5 {
            let order = OrderId::generate();
            payments.handle(&[reserved(order)]).await;
            assert_eq!(payments.status(order).await, Some(PaymentStatus::Failed));
        }
    }
}

#[tokio::test]
async fn a_batch_is_one_read_and_one_transaction_of_rows() {
    let payments = Payments::start().await;
    let events: Vec<_> = (0..10).map(|_| reserved(OrderId::generate())).collect();
    let before = payments.embedded.requests();
    let outcomes = payments.handle(&events).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done));
    let made = payments.embedded.requests().since(&before);
    assert_eq!(made.of("BatchGetItem"), 1);
    assert_eq!(made.of("TransactWriteItems"), 1);
    assert_eq!(made.of("PutItem"), 10, "the gateway's ledger");
}

#[tokio::test]
async fn an_order_in_trouble_does_not_keep_its_neighbours() {
    let payments = Payments::start().await;
    let orders: Vec<_> = (0..3).map(|_| OrderId::generate()).collect();
    let troubled = orders[1].to_string();
    let fails = move |operation: &str, body: &Value| {
        let troubled = body["Item"]["pk"]["S"] == format!("ledger#{troubled}");
        (operation == "PutItem" && troubled).then_some(Fault::InternalServerError)
    };
    payments.embedded.inject(std::sync::Arc::new(fails));
    let events: Vec<_> = orders.iter().copied().map(reserved).collect();
    let outcomes = payments.handle(&events).await;
    assert_eq!(outcomes[0], Outcome::Done);
    assert!(is_retry(&outcomes[1]), "{outcomes:?}");
    assert_eq!(outcomes[2], Outcome::Done);
}

#[tokio::test]
async fn a_resent_event_is_answered_again_without_charging_again() {
    let payments = Payments::start().await;
    let order = OrderId::generate();
    let event = reserved(order);
    payments.handle(std::slice::from_ref(&event)).await;
    payments.handle(&[again(&event, 2)]).await;
    assert_eq!(payments.emitted_types().await, ["payment.completed", "payment.completed@2"]);
    assert_eq!(payments.row(order).await.unwrap().version, 2);
}
