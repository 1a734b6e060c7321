//! The simulated gateway by itself.

use std::time::Duration;

use orderflow_domain::{OrderId, PaymentToken};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, GatewayFault, LedgerStatus, PaymentGateway, Undone,
};

use crate::support::{Payments, total};

fn request(order_id: OrderId, token: Option<&str>) -> ChargeRequest {
    ChargeRequest { order_id, amount: total(), token: token.map(|token| PaymentToken::parse(token).unwrap()) }
}

#[tokio::test]
async fn an_order_that_was_called_off_is_never_charged() {
    let payments = Payments::start().await;
    let (gateway, order) = (&payments.gateway, OrderId::generate());
    assert_eq!(gateway.find(order).await, Ok(None));
    assert_eq!(gateway.undo(order, &total()).await, Ok(Undone::Voided));
    let charge = gateway.charge(&request(order, None)).await;
    assert_eq!(charge, Ok(Charge::CalledOff));
    assert_eq!(gateway.find(order).await, Ok(Some(Charge::CalledOff)));
    assert_eq!(payments.ledger(order).await, Some(LedgerStatus::CalledOff));
}

#[tokio::test]
async fn a_charge_is_given_back_once_and_not_taken_again() {
    let payments = Payments::start().await;
    let (gateway, order) = (&payments.gateway, OrderId::generate());
    gateway.charge(&request(order, None)).await.unwrap();
    let amount = total();
    let (first, second) = tokio::join!(gateway.undo(order, &amount), gateway.undo(order, &amount));
    assert!(matches!(first, Ok(Undone::Refunded { .. })), "{first:?}");
    assert_eq!(first, second);
    let refunded = gateway.ledger(order).await.unwrap();

    assert_eq!(gateway.undo(order, &amount).await, first);
    let charge = gateway.charge(&request(order, None)).await;
    assert_eq!(charge, Ok(Charge::CalledOff));
    assert_eq!(gateway.ledger(order).await.unwrap(), refunded);
}

#[tokio::test]
async fn a_repeated_charge_is_answered_as_the_first_was() {
    let payments = Payments::start().await;
    let (gateway, order) = (&payments.gateway, OrderId::generate());
    let first = gateway.charge(&request(order, None)).await;
    payments.fault.set(GatewayFault::Decline);
    assert_eq!(gateway.charge(&request(order, None)).await, first);

    let declined = OrderId::generate();
    let no = gateway.charge(&request(declined, None)).await;
    assert!(matches!(no, Ok(Charge::Declined { .. })), "{no:?}");
    payments.fault.set(GatewayFault::Ok);
    assert_eq!(gateway.charge(&request(declined, None)).await, no);
    assert_eq!(gateway.undo(declined, &total()).await, Ok(Undone::Voided));
}

#[tokio::test]
async fn a_time_out_loses_the_answer_and_not_the_charge() {
    let payments = Payments::start().await;
    let (gateway, order) = (&payments.gateway, OrderId::generate());
    let charge = gateway.charge(&request(order, Some("tok_timeout"))).await;
    assert!(matches!(charge, Err(GatewayError::Unknown(_))));
    let found = gateway.find(order).await;
    assert!(matches!(found, Ok(Some(Charge::Captured { .. }))));
}

#[tokio::test(start_paused = true)]
async fn a_slow_gateway_takes_two_seconds_longer() {
    let payments = Payments::start().await;
    payments.fault.set(GatewayFault::Slow);
    let before = tokio::time::Instant::now();
    let charge = payments.gateway.charge(&request(OrderId::generate(), None)).await;
    assert!(charge.is_ok(), "{charge:?}");
    assert!(before.elapsed() >= Duration::from_secs(2));
}
