//! Orders that are cancelled during the charge.

use orderflow_tests::TestApp;

use crate::faults::{Call, Fault, Gate};
use crate::shop::{Books, Shop, VISA, order_paid_with, wait_for_payment};

/// Cancels an order while its charge is held at the gate, and releases the charge once the payment has this status.
async fn cancel_during_the_charge(fault: fn(std::sync::Arc<Gate>) -> Fault, undone: &str) -> (Shop, String) {
    let mut shop: Shop = TestApp::open().await;
    let gate = Gate::new();
    shop.mode.stripe.proxy.faults().once(Call::Confirm, fault(gate.clone()));
    let order = shop.place(&order_paid_with(VISA)).await;
    gate.reached().await;
    shop.delete(&format!("/api/v1/orders/{order}")).await.expect(200);
    wait_for_payment(&shop, &order, undone).await;
    gate.open();
    shop.wait_until_idle().await;
    assert_eq!(shop.payment(&order).await.as_deref(), Some(undone));
    assert_eq!(shop.order(&order).await["status"], "cancelled");
    assert_eq!(shop.level("TSHIRT-BLK-M").await, (100, 0));
    (shop, order)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_that_arrives_after_the_cancellation_moves_no_money() {
    let (shop, order) = cancel_during_the_charge(Fault::HoldRequest, "voided").await;
    let stripe = &shop.mode.stripe;
    assert_eq!(stripe.books(&order).await, Books { intents: 1, taken: 0, given_back: 0 });
    assert_eq!(stripe.intents(&order).await[0]["status"], "canceled");
    assert_eq!(shop.notifications(&order).await, ["order_cancelled email"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_before_the_cancellation_is_refunded() {
    let (shop, order) = cancel_during_the_charge(Fault::HoldAnswer, "refunded").await;
    let stripe = &shop.mode.stripe;
    assert_eq!(stripe.books(&order).await, Books { intents: 1, taken: 3998, given_back: 3998 });
    assert_eq!(stripe.proxy.arrived(Call::Refund), 1);
    assert_eq!(shop.notifications(&order).await, ["order_cancelled email", "order_refunded email"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_created_after_the_cancellation_is_never_confirmed() {
    let mut shop: Shop = TestApp::open().await;
    let gate = Gate::new();
    shop.mode.stripe.proxy.faults().once(Call::Make, Fault::HoldRequest(gate.clone()));
    let order = shop.place(&order_paid_with(VISA)).await;
    gate.reached().await;
    shop.delete(&format!("/api/v1/orders/{order}")).await.expect(200);
    wait_for_payment(&shop, &order, "voided").await;
    gate.open();
    shop.wait_until_idle().await;
    let stripe = &shop.mode.stripe;
    assert_eq!(stripe.books(&order).await, Books { intents: 1, taken: 0, given_back: 0 });
    assert_eq!(stripe.intents(&order).await[0]["status"], "canceled");
    assert_eq!(stripe.proxy.arrived(Call::Confirm), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_whose_response_is_lost_is_found_and_not_repeated() {
    let mut shop: Shop = TestApp::open().await;
    let gate = Gate::new();
    shop.mode.stripe.proxy.faults().once(Call::Confirm, Fault::HoldAnswer(gate.clone()));
    let order = shop.place(&order_paid_with(VISA)).await;
    gate.reached().await;
    shop.mode.stripe.proxy.faults().once(Call::Refund, Fault::LoseAnswer);
    shop.delete(&format!("/api/v1/orders/{order}")).await.expect(200);
    wait_for_payment(&shop, &order, "refunded").await;
    gate.open();
    shop.wait_until_idle().await;
    let stripe = &shop.mode.stripe;
    assert_eq!(stripe.books(&order).await, Books { intents: 1, taken: 3998, given_back: 3998 });
    assert_eq!(stripe.proxy.arrived(Call::Refund), 1);
}
