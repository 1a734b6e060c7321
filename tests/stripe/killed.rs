//! Processes that crash after Stripe processed a call and before they recorded it.

use std::path::Path;
use std::time::{Duration, Instant};

use orderflow_engine::Location;
use orderflow_system::Settings;
use orderflow_tests::{LiveSystem, TestApp};

use crate::faults::{Call, Fault, Gate};
use crate::shop::{Books, PATIENCE, Shop, Stripe, StripeMode, VISA, assert_charged_once, order_paid_with};

async fn open(stripe: Stripe, folder: &Path) -> Shop {
    let settings = stripe.settings(Location::Directory(folder.to_owned()));
    TestApp { mode: StripeMode { live: start(settings).await, stripe } }
}

/// The time after which a killed system has released its folder.
async fn start(settings: Settings) -> LiveSystem {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match LiveSystem::start(settings.clone()).await {
            Ok(live) => return live,
            Err(error) => assert!(Instant::now() < deadline, "{error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Kills the system while the response to this call is held, and starts it again.
async fn killed_at(call: Call) -> (Shop, String) {
    let folder = tempfile::tempdir().unwrap();
    let (shop, gate) = (open(Stripe::start().await, folder.path()).await, Gate::new());
    shop.mode.stripe.proxy.faults().once(call, Fault::HoldAnswer(gate.clone()));
    let order = shop.place(&order_paid_with(VISA)).await;
    gate.reached().await;
    let stripe = shop.mode.kill();
    stripe.proxy.forget_keys();
    let mut shop = open(stripe, folder.path()).await;
    shop.wait_until_idle().await;
    assert_charged_once(&shop, &order).await;
    assert_eq!(shop.mode.stripe.proxy.arrived(Call::Confirm), 1);
    (shop, order)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unrecorded_charge_is_found() {
    let (shop, order) = killed_at(Call::Confirm).await;
    assert_eq!(shop.mode.stripe.books(&order).await, Books { intents: 1, taken: 3998, given_back: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unrecorded_intent_is_never_confirmed() {
    let (shop, order) = killed_at(Call::Make).await;
    assert_eq!(shop.mode.stripe.books(&order).await, Books { intents: 2, taken: 3998, given_back: 0 });
}
