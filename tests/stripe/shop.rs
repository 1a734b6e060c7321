//! A shop with Stripe as payment provider, and the charges and refunds that Stripe recorded.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use orderflow_engine::Location;
use orderflow_payments::{ApiKey, PaymentProvider, StripeSettings};
use orderflow_system::Settings;
use orderflow_testing::localstripe::LocalStripe;
use orderflow_tests::{Answer, LiveSystem, Mode, ModeSettings, TestApp, order_body};
use serde_json::{Value, json};

use crate::proxy::Proxy;

/// A card that can be charged.
pub(crate) const VISA: &str = "pm_card_visa";
/// A card whose charges are declined.
pub(crate) const DECLINING: &str = "pm_card_chargeCustomerFail";
/// The number of a card that needs authentication for each charge.
pub(crate) const WANTS_ITS_CUSTOMER: &str = "4000002760003184";

const KEY: &str = "sk_test_orderflow";

/// The longest time to wait for a condition.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// localstripe and the proxy before it.
pub(crate) struct Stripe {
    server: LocalStripe,
    pub(crate) proxy: Proxy,
}

/// Stripe's records of one order, in minor units.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Books {
    pub(crate) intents: usize,
    pub(crate) taken: i64,
    pub(crate) given_back: i64,
}

impl Stripe {
    pub(crate) async fn start() -> Self {
        let python = std::env::var_os("ORDERFLOW_LOCALSTRIPE").map(PathBuf::from);
        let python = python.expect("ORDERFLOW_LOCALSTRIPE is not set: run `cargo xtask test`, which sets it");
        let server = LocalStripe::start(&python).await.unwrap();
        let proxy = Proxy::start(server.url()).await;
        Self { server, proxy }
    }

    pub(crate) fn settings(&self, location: Location) -> Settings {
        let api_key = ApiKey::parse(KEY).unwrap();
        let stripe = StripeSettings { api_key, api_url: self.proxy.url.parse().unwrap() };
        Settings { payment: PaymentProvider::Stripe(stripe), ..Settings::new(location) }
    }

    /// Creates a payment method with this card number and returns its id.
    pub(crate) async fn card(&self, number: &str) -> String {
        let form =
            format!("type=card&card[number]={number}&card[exp_month]=12&card[exp_year]=2030&card[cvc]=123");
        let made = self.post("payment_methods", form).await;
        assert_eq!(made.status(), 200);
        let made: Value = made.json().await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Posts a form, bypassing the proxy.
    pub(crate) async fn post(&self, path: &str, form: String) -> reqwest::Response {
        let request =
            reqwest::Client::new().post(format!("{}/v1/{path}", self.server.url())).bearer_auth(KEY);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(form).send().await.unwrap()
    }

    /// Has localstripe send its events to this URL, signed with this secret.
    pub(crate) async fn send_events_to(&self, url: &str, secret: &str) {
        self.config("webhooks/orderflow", &json!({"url": url, "secret": secret})).await;
    }

    /// Has the only refund of an order fail, as it may days later.
    pub(crate) async fn fail_refund(&self, order: &str) {
        let refunds = self.refunds(order).await;
        assert_eq!(refunds.len(), 1, "{refunds:?}");
        self.config(&format!("refunds/{}/fail", refunds[0]["id"].as_str().unwrap()), &json!({})).await;
    }

    /// Sends an event about the failed refund of an order again.
    pub(crate) async fn repeat_failure(&self, order: &str) {
        let refunds = self.refunds(order).await;
        let failed = refunds.iter().find(|refund| refund["status"] == "failed").unwrap();
        self.config(&format!("refunds/{}/fail", failed["id"].as_str().unwrap()), &json!({})).await;
    }

    async fn refunds(&self, order: &str) -> Vec<Value> {
        let intents = self.intents(order).await;
        let mut refunds = self.list("refunds").await;
        refunds.retain(|refund| intents.iter().any(|intent| intent["id"] == refund["payment_intent"]));
        refunds
    }

    /// Has the customer's bank open a dispute about the charge of an order.
    pub(crate) async fn dispute(&self, order: &str) {
        let intent = self.intents(order).await.remove(0);
        self.config(&format!("disputes/{}", intent["id"].as_str().unwrap()), &json!({})).await;
    }

    async fn config(&self, path: &str, body: &Value) {
        let url = format!("{}/_config/{path}", self.server.url());
        let answer = reqwest::Client::new().post(url).json(body).send().await.unwrap();
        answer.error_for_status().unwrap();
    }

    /// Lists all objects of a kind, bypassing the proxy.
    async fn list(&self, kind: &str) -> Vec<Value> {
        let url = format!("{}/v1/{kind}?limit=10000", self.server.url());
        let answer = reqwest::Client::new().get(url).bearer_auth(KEY).send().await.unwrap();
        let page: Value = answer.error_for_status().unwrap().json().await.unwrap();
        page["data"].as_array().unwrap().clone()
    }

    pub(crate) async fn intents(&self, order: &str) -> Vec<Value> {
        let mut intents = self.list("payment_intents").await;
        intents.retain(|intent| intent["metadata"]["order_id"] == order);
        intents
    }

    pub(crate) async fn books(&self, order: &str) -> Books {
        let intents = self.intents(order).await;
        let mut books = Books { intents: intents.len(), taken: 0, given_back: 0 };
        for charge in self.list("charges").await {
            let ours = intents.iter().any(|intent| intent["id"] == charge["payment_intent"]);
            if ours && charge["status"] == "succeeded" {
                books.taken += charge["amount"].as_i64().unwrap();
                books.given_back += charge["amount_refunded"].as_i64().unwrap();
            }
        }
        books
    }
}

/// The running system in this process, with Stripe as payment provider.
pub(crate) struct StripeMode {
    pub(crate) live: LiveSystem,
    pub(crate) stripe: Stripe,
}

pub(crate) type Shop = TestApp<StripeMode>;

impl StripeMode {
    pub(crate) async fn open(stripe: Stripe, settings: Settings) -> Self {
        Self { live: LiveSystem::start(settings).await.unwrap(), stripe }
    }

    /// Ends the system abruptly, as `kill -9` would. Stripe keeps running.
    pub(crate) fn kill(self) -> Stripe {
        self.stripe
    }
}

impl Mode for StripeMode {
    async fn start(_: ModeSettings) -> Self {
        let stripe = Stripe::start().await;
        let settings = stripe.settings(Location::Memory);
        Self::open(stripe, settings).await
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        self.live.call(request).await
    }

    async fn wait_until_idle(&mut self) {
        self.live.wait_until_idle().await;
    }
}

/// Returns an order of two T-shirts, 39.98 USD, paid with this card.
pub(crate) fn order_paid_with(card: &str) -> Value {
    let mut body = order_body("TSHIRT-BLK-M", 2);
    body["payment_token"] = json!(card);
    body
}

/// Waits until an order's payment has this status.
pub(crate) async fn wait_for_payment(shop: &Shop, order: &str, status: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = shop.payment(order).await;
        if now.as_deref() == Some(status) {
            return;
        }
        assert!(Instant::now() < deadline, "the payment is {now:?}, not {status}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Checks that an order is confirmed and was charged once.
pub(crate) async fn assert_charged_once(shop: &Shop, order: &str) {
    assert_eq!(shop.order(order).await["status"], "confirmed");
    assert_eq!(shop.payment(order).await.as_deref(), Some("completed"));
    let books = shop.mode.stripe.books(order).await;
    assert_eq!((books.taken, books.given_back), (3998, 0), "{books:?}");
}
