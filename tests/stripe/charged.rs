//! Orders that are charged, or declined.

use orderflow_tests::TestApp;
use serde_json::json;

use crate::faults::{Call, Fault};
use crate::shop::{Books, DECLINING, Shop, VISA, WANTS_ITS_CUSTOMER, assert_charged_once, order_paid_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_paid_by_card() {
    let mut shop: Shop = TestApp::open().await;
    let order = shop.place(&order_paid_with(VISA)).await;
    shop.wait_until_idle().await;
    assert_charged_once(&shop, &order).await;
    let payments = shop.get(&format!("/api/v1/payments?order_id={order}")).await.body;
    let intents = shop.mode.stripe.intents(&order).await;
    let [intent] = &intents[..] else { panic!("{intents:?}") };
    assert_eq!(payments["payments"][0]["provider_id"], intent["id"]);
    let said = (&intent["status"], &intent["amount"], &intent["currency"]);
    assert_eq!(said, (&json!("succeeded"), &json!(3998), &json!("usd")));
    assert_eq!(shop.notifications(&order).await, ["order_confirmation email"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_card_releases_the_stock() {
    let mut shop: Shop = TestApp::open().await;
    let declined = shop.place(&order_paid_with(DECLINING)).await;
    let mut without_card = order_paid_with(VISA);
    without_card.as_object_mut().unwrap().remove("payment_token");
    let without_card = shop.place(&without_card).await;
    shop.wait_until_idle().await;
    for (order, intents) in [(&declined, 1), (&without_card, 0)] {
        let body = shop.order(order).await;
        assert_eq!((&body["status"], &body["reason"]), (&json!("rejected"), &json!("payment_declined")));
        assert_eq!(shop.payment(order).await.as_deref(), Some("failed"));
        let books = shop.mode.stripe.books(order).await;
        assert_eq!(books, Books { intents, taken: 0, given_back: 0 });
    }
    assert_eq!(shop.level("TSHIRT-BLK-M").await, (100, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_authenticates_after_the_decline_is_not_charged() {
    let mut shop: Shop = TestApp::open().await;
    let card = shop.mode.stripe.card(WANTS_ITS_CUSTOMER).await;
    let order = shop.place(&order_paid_with(&card)).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&order).await["reason"], "payment_declined");
    let stripe = &shop.mode.stripe;
    let intents = stripe.intents(&order).await;
    let [intent] = &intents[..] else { panic!("{intents:?}") };
    let (id, secret) = (intent["id"].as_str().unwrap(), intent["client_secret"].as_str().unwrap());
    let form = format!("client_secret={secret}&success=true");
    let signed_in = stripe.post(&format!("payment_intents/{id}/_authenticate"), form).await;
    assert_eq!(signed_in.status(), 400);
    assert_eq!(stripe.books(&order).await, Books { intents: 1, taken: 0, given_back: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_whose_response_is_lost_is_found_and_not_repeated() {
    let mut shop: Shop = TestApp::open().await;
    shop.mode.stripe.proxy.faults().once(Call::Confirm, Fault::LoseAnswer);
    let order = shop.place(&order_paid_with(VISA)).await;
    shop.wait_until_idle().await;
    assert_charged_once(&shop, &order).await;
    assert_eq!(shop.mode.stripe.proxy.arrived(Call::Confirm), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decline_whose_response_is_lost_is_a_decline() {
    let mut shop: Shop = TestApp::open().await;
    shop.mode.stripe.proxy.faults().once(Call::Confirm, Fault::LoseAnswer);
    let order = shop.place(&order_paid_with(DECLINING)).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.order(&order).await["reason"], "payment_declined");
    assert_eq!(shop.mode.stripe.proxy.arrived(Call::Confirm), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_that_never_arrived_is_made() {
    let mut shop: Shop = TestApp::open().await;
    shop.mode.stripe.proxy.faults().times(3, Call::Confirm, Fault::LoseRequest);
    let order = shop.place(&order_paid_with(VISA)).await;
    shop.wait_until_idle().await;
    assert_charged_once(&shop, &order).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_whose_response_is_lost_is_returned_again_for_its_key() {
    let mut shop: Shop = TestApp::open().await;
    shop.mode.stripe.proxy.faults().times(2, Call::Make, Fault::LoseAnswer);
    let order = shop.place(&order_paid_with(VISA)).await;
    shop.wait_until_idle().await;
    assert_charged_once(&shop, &order).await;
    assert_eq!(shop.mode.stripe.books(&order).await.intents, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_key_creates_another_intent_and_no_second_charge() {
    let mut shop: Shop = TestApp::open().await;
    shop.mode.stripe.proxy.forget_keys();
    shop.mode.stripe.proxy.faults().times(2, Call::Make, Fault::LoseAnswer);
    let order = shop.place(&order_paid_with(VISA)).await;
    shop.wait_until_idle().await;
    assert_charged_once(&shop, &order).await;
    assert_eq!(shop.mode.stripe.books(&order).await.intents, 3);
}
