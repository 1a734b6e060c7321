//! Events that localstripe signs and delivers to the webhook of a system that listens on a port.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use orderflow_engine::Location;
use orderflow_payments::{STRIPE_WEBHOOK, WebhookSecret};
use orderflow_system::Settings;
use orderflow_tests::TestApp;
use serde_json::json;

use crate::faults::{Call, Fault, Gate};
use crate::shop::{
    DECLINING, Shop, Stripe, StripeMode, VISA, assert_charged_once, order_paid_with, wait_for_payment,
};

const SECRET: &str = "whsec_orderflow_test";

/// Starts a shop that receives Stripe's events, signed with this secret.
async fn open(signed_with: &str) -> Shop {
    let stripe = Stripe::start().await;
    let settings =
        Settings { webhook_secret: WebhookSecret::parse(SECRET), ..stripe.settings(Location::Memory) };
    let shop = TestApp { mode: StripeMode::open(stripe, settings).await };
    let address = listen(shop.mode.live.router()).await;
    shop.mode.stripe.send_events_to(&format!("http://{address}{STRIPE_WEBHOOK}"), signed_with).await;
    shop
}

async fn listen(router: Router) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Places an order whose charge happens at Stripe while its answer is lost, and stops the consumer that would ask again.
async fn place_with_lost_answer(shop: &Shop, card: &str) -> String {
    let mut is_confirmed = false;
    shop.mode.stripe.proxy.faults().set(move |call| {
        is_confirmed |= call == Call::Confirm;
        match call {
            Call::Confirm => Some(Fault::LoseAnswer),
            _ if is_confirmed => Some(Fault::LoseRequest),
            _ => None,
        }
    });
    let order = shop.place(&order_paid_with(card)).await;
    wait_for_payment(shop, &order, "unknown").await;
    let stopped = json!({"payment": "ok", "stopped": ["payment"]});
    shop.put("/api/v1/admin/faults", &stopped).await.expect(200);
    // An attempt that is under way would otherwise reach Stripe.
    orderflow_testing::program::wait_until("no attempt to charge is under way", async || {
        let queues = shop.get("/api/v1/admin/queues").await.expect(200).body;
        let queues = queues["queues"].as_array().unwrap();
        queues.iter().any(|queue| queue["consumer"] == "payment" && queue["in_flight"] == 0)
    })
    .await;
    shop.mode.stripe.proxy.faults().clear();
    order
}

async fn start_again(shop: &mut Shop) {
    shop.put("/api/v1/admin/faults", &json!({"payment": "ok", "stopped": []})).await.expect(200);
    shop.wait_until_idle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_whose_answer_was_lost_is_known_by_the_event() {
    let mut shop = open(SECRET).await;
    let order = place_with_lost_answer(&shop, VISA).await;
    wait_for_payment(&shop, &order, "completed").await;
    start_again(&mut shop).await;
    assert_charged_once(&shop, &order).await;
    assert_eq!(shop.notifications(&order).await, ["order_confirmation email"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decline_whose_answer_was_lost_is_known_by_the_event() {
    let mut shop = open(SECRET).await;
    let order = place_with_lost_answer(&shop, DECLINING).await;
    wait_for_payment(&shop, &order, "failed").await;
    start_again(&mut shop).await;
    assert_eq!(shop.order(&order).await["reason"], "payment_declined");
    assert_eq!(shop.level("TSHIRT-BLK-M").await, (100, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_fails_after_it_was_accepted_needs_an_operator() {
    let mut shop = open(SECRET).await;
    let gate = Gate::new();
    shop.mode.stripe.proxy.faults().once(Call::Confirm, Fault::HoldAnswer(gate.clone()));
    let order = shop.place(&order_paid_with(VISA)).await;
    gate.reached().await;
    shop.delete(&format!("/api/v1/orders/{order}")).await.expect(200);
    wait_for_payment(&shop, &order, "refunded").await;
    gate.open();
    shop.wait_until_idle().await;
    shop.mode.stripe.fail_refund(&order).await;
    wait_for_payment(&shop, &order, "refund_failed").await;
    // The operator tries again. The event of the failed refund arrives once more, and says nothing new.
    let payment = shop.post(&format!("/api/v1/payments/{order}/refund"), &json!({})).await.expect(200).body;
    assert_eq!(payment["status"], "refunded");
    shop.mode.stripe.repeat_failure(&order).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(shop.payment(&order).await.as_deref(), Some("refunded"));
    let books = shop.mode.stripe.books(&order).await;
    assert_eq!(books.taken, 3998, "{books:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispute_is_shown_with_the_payment() {
    let mut shop = open(SECRET).await;
    let order = shop.place(&order_paid_with(VISA)).await;
    shop.wait_until_idle().await;
    shop.mode.stripe.dispute(&order).await;
    orderflow_testing::program::wait_until("the dispute is shown", async || {
        let payments = shop.get(&format!("/api/v1/payments?order_id={order}")).await.expect(200).body;
        payments["payments"][0]["dispute"]["status"] == "needs_response"
    })
    .await;
    assert_charged_once(&shop, &order).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_another_secret_change_nothing() {
    let mut shop = open("whsec_of_somebody_else").await;
    let order = place_with_lost_answer(&shop, VISA).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(shop.payment(&order).await.as_deref(), Some("unknown"));
    start_again(&mut shop).await;
    assert_charged_once(&shop, &order).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_secret_there_is_no_route() {
    let stripe = Stripe::start().await;
    let settings = stripe.settings(Location::Memory);
    let shop = TestApp { mode: StripeMode::open(stripe, settings).await };
    let request = Request::post(STRIPE_WEBHOOK).header("content-type", "application/json");
    let answer = shop.mode.live.call(request.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, 404);
}
