//! The simulated gateway without the consumer.

use std::time::Duration;

use orderflow_domain::{OrderId, PaymentToken};
use orderflow_payments::{
    Charge, ChargeRequest, GatewayError, GatewayFault, PaymentGateway, Reversal, SimulatedChargeStatus,
};

use crate::harness::{PaymentsHarness, total};

fn request(order_id: OrderId, token: Option<&str>) -> ChargeRequest {
    ChargeRequest { order_id, amount: total(), token: token.map(|token| PaymentToken::parse(token).unwrap()) }
}

#[tokio::test]
async fn an_order_whose_payment_was_reversed_is_never_charged() {
    let payments = PaymentsHarness::open().await;
    let (gateway, order) = (&payments.gateway, OrderId::generate());
    assert_eq!(gateway.find(order).await, Ok(None));
    assert_eq!(gateway.reverse(order, &total()).await, Ok(Reversal::Voided));
    let charge = gateway.charge(&request(order, None)).await;
    assert_eq!(charge, Ok(Charge::Reversed));
    assert_eq!(gateway.find(order).await, Ok(Some(Charge::Reversed)));
    assert_eq!(payments.charge_status(order).await, Some(SimulatedChargeStatus::Voided));
}

#[tokio::test]
async fn a_charge_is_refunded_once_and_never_made_again() {
    let payments = PaymentsHarness::open().await;
    let (gateway, order) = (&payments.gateway, OrderId::generate());
    gateway.charge(&request(order, None)).await.unwrap();
    let amount = total();
    let (first, second) = tokio::join!(gateway.reverse(order, &amount), gateway.reverse(order, &amount));
    assert!(matches!(first, Ok(Reversal::Refunded { .. })), "{first:?}");
    assert_eq!(first, second);
    let refunded = gateway.charge_of(order).await.unwrap();

    assert_eq!(gateway.reverse(order, &amount).await, first);
    let charge = gateway.charge(&request(order, None)).await;
    assert_eq!(charge, Ok(Charge::Reversed));
    assert_eq!(gateway.charge_of(order).await.unwrap(), refunded);
}

#[tokio::test]
async fn a_repeated_charge_returns_the_result_of_the_first() {
    let payments = PaymentsHarness::open().await;
    let (gateway, order) = (&payments.gateway, OrderId::generate());
    let first = gateway.charge(&request(order, None)).await;
    payments.fault.set(GatewayFault::Decline);
    assert_eq!(gateway.charge(&request(order, None)).await, first);

    let declined = OrderId::generate();
    let decline = gateway.charge(&request(declined, None)).await;
    assert!(matches!(decline, Ok(Charge::Declined { .. })), "{decline:?}");
    payments.fault.set(GatewayFault::Ok);
    assert_eq!(gateway.charge(&request(declined, None)).await, decline);
    assert_eq!(gateway.reverse(declined, &total()).await, Ok(Reversal::Voided));
}

#[tokio::test]
async fn a_timeout_loses_the_answer_but_not_the_charge() {
    let payments = PaymentsHarness::open().await;
    let (gateway, order) = (&payments.gateway, OrderId::generate());
    let charge = gateway.charge(&request(order, Some("tok_timeout"))).await;
    assert!(matches!(charge, Err(GatewayError::Unknown(_))));
    let found = gateway.find(order).await;
    assert!(matches!(found, Ok(Some(Charge::Captured { .. }))));
}

#[tokio::test(start_paused = true)]
async fn a_slow_gateway_takes_two_seconds_longer() {
    let payments = PaymentsHarness::open().await;
    payments.fault.set(GatewayFault::Slow);
    let before = tokio::time::Instant::now();
    let charge = payments.gateway.charge(&request(OrderId::generate(), None)).await;
    assert!(charge.is_ok(), "{charge:?}");
    assert!(before.elapsed() >= Duration::from_secs(2));
}
