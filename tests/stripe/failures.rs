//! Stripe during an outage, and a connection that loses requests and responses.

use std::time::{Duration, Instant};

use orderflow_tests::TestApp;
use serde_json::json;

use crate::faults::{Call, Fault};
use crate::shop::{PATIENCE, Shop, VISA, assert_charged_once, order_paid_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_wait_for_the_end_of_an_outage_and_are_charged_once() {
    let mut shop: Shop = TestApp::open().await;
    let stripes = json!({"error": {"type": "api_error"}});
    for (status, body) in [(401, stripes.clone()), (500, stripes), (404, json!({}))] {
        shop.mode.stripe.proxy.faults().set(move |_| Some(Fault::Answer(status, body.clone())));
        let mut orders = Vec::new();
        for _ in 0..8 {
            orders.push(shop.place(&order_paid_with(VISA)).await);
        }
        wait_until_all_are_delayed(&shop, orders.len()).await;
        shop.mode.stripe.proxy.faults().clear();
        shop.wait_until_idle().await;
        for order in orders {
            assert_charged_once(&shop, &order).await;
            assert_eq!(shop.mode.stripe.books(&order).await.intents, 1, "{status}");
        }
    }
}

async fn wait_until_all_are_delayed(shop: &Shop, orders: usize) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let queues = shop.get("/api/v1/admin/queues").await.expect(200).body;
        let payment =
            queues["queues"].as_array().unwrap().iter().find(|queue| queue["consumer"] == "payment");
        if payment.unwrap()["delayed"] == orders {
            return;
        }
        assert!(Instant::now() < deadline, "the messages are not delayed: {queues}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// One in four calls fails, before or after Stripe processed it, and customers cancel orders in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_random_losses_no_order_is_charged_twice_and_no_cancelled_one_stays_charged() {
    let mut shop: Shop = TestApp::open().await;
    let mut random = fastrand::Rng::with_seed(7);
    shop.mode.stripe.proxy.faults().set(move |call| match random.u8(0..12) {
        0 => Some(Fault::LoseRequest),
        1 if call != Call::Read => Some(Fault::LoseAnswer),
        2 => Some(Fault::Answer(500, json!({"error": {"type": "api_error"}}))),
        _ => None,
    });
    let (mut kept, mut cancelled) = (Vec::new(), Vec::new());
    for number in 0..30 {
        let order = shop.place(&order_paid_with(VISA)).await;
        if number % 3 == 0 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..40))).await;
            shop.delete(&format!("/api/v1/orders/{order}")).await;
            cancelled.push(order);
        } else {
            kept.push(order);
        }
    }
    shop.wait_until_idle().await;
    for order in &kept {
        assert_charged_once(&shop, order).await;
    }
    for order in &cancelled {
        let status = shop.order(order).await["status"].clone();
        let books = shop.mode.stripe.books(order).await;
        let net = if status == "cancelled" { 0 } else { 3998 };
        assert_eq!(books.taken - books.given_back, net, "{status}: {books:?}");
    }
}
