//! Events that Stripe sends to the webhook, with bodies as Stripe documents them.

use axum::body::Body;
use axum::http::Request;
use hmac::{Hmac, Mac};
use orderflow_domain::{EventType, Timestamp};
use orderflow_messaging::Outcome;
use orderflow_payments::{EVENT_SOURCE, PaymentProvider, PaymentStatus, STRIPE_WEBHOOK, WebhookSecret};
use orderflow_testing::service::RouterClient;
use serde_json::{Value, json};
use sha2::Sha256;

use super::stub::{Reply, StripeStub};
use super::{CONFIRM, READ, REFUND, REFUNDS, StripeHarness, charging, creating};
use crate::harness::cancelled;

const WEBHOOK_SECRET: &str = "whsec_test";

impl StripeHarness {
    fn webhook(&self) -> RouterClient {
        let provider = PaymentProvider::Stripe(self.stub.settings());
        let secret = WebhookSecret::parse(WEBHOOK_SECRET);
        RouterClient::new(provider.webhook_router(&self.payments.service.store, secret).unwrap())
    }

    /// Sends an event that is signed now.
    async fn notify(&self, event: &Value) -> u16 {
        let body = event.to_string();
        self.send(&body, &signature(WEBHOOK_SECRET, &body, Timestamp::now())).await
    }

    async fn send(&self, body: &str, signature: &str) -> u16 {
        let request = Request::post(STRIPE_WEBHOOK)
            .header("content-type", "application/json; charset=utf-8")
            .header("stripe-signature", signature);
        self.webhook().send(request.body(Body::from(body.to_owned())).unwrap()).await.0
    }

    async fn shown(&self) -> Value {
        let path = format!("/api/v1/payments?order_id={}", self.order);
        let (status, page) = self.payments.client_with(self.gateway.clone()).get(&path).await;
        assert_eq!(status, 200);
        page["payments"][0].clone()
    }

    fn intent(&self, status: &str) -> Reply {
        let metadata = json!({"order_id": self.order});
        Reply::ok(
            &json!({"id": "pi_1", "status": status, "amount": 3998, "latest_charge": null, "metadata": metadata}),
        )
    }

    fn event(&self, id: &str, kind: &str, object: Value) -> Value {
        event(id, kind, 1_764_150_000, object)
    }

    fn refund(&self, id: &str, status: &str) -> Value {
        let refund = json!({
            "id": "re_1", "object": "refund", "amount": 3998, "currency": "usd", "charge": "ch_1", "payment_intent": "pi_1",
            "status": status, "failure_reason": "lost_or_stolen_card", "metadata": {"order_id": self.order},
        });
        self.event(id, "refund.failed", refund)
    }

    fn charged(&self, id: &str, kind: &str) -> Value {
        let intent = json!({
            "id": "pi_1", "object": "payment_intent", "amount": 3998, "currency": "usd",
            "metadata": {"order_id": self.order},
        });
        self.event(id, kind, intent)
    }
}

fn event(id: &str, kind: &str, created: i64, object: Value) -> Value {
    json!({
        "id": id, "object": "event", "api_version": "2024-06-20", "created": created, "livemode": false,
        "pending_webhooks": 1, "type": kind, "data": {"object": object},
    })
}

fn dispute(id: &str, kind: &str, created: i64, status: &str) -> Value {
    let dispute = json!({
        "id": "du_1", "object": "dispute", "amount": 3998, "currency": "usd", "charge": "ch_1", "payment_intent": "pi_1",
        "reason": "fraudulent", "status": status, "metadata": {},
    });
    event(id, kind, created, dispute)
}

fn signature(secret: &str, body: &str, at: Timestamp) -> String {
    let seconds = at.as_millis() / 1_000;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()))
}

#[tokio::test]
async fn without_a_secret_there_is_no_webhook() {
    let harness = StripeHarness::start(StripeStub::start().await).await;
    let provider = PaymentProvider::Stripe(harness.stub.settings());
    let router = provider.webhook_router(&harness.payments.service.store, None).unwrap();
    assert_eq!(RouterClient::new(router).post(STRIPE_WEBHOOK, &json!({})).await.0, 404);
}

#[tokio::test]
async fn only_signed_events_are_read() {
    let harness = StripeHarness::start(StripeStub::start().await).await;
    let body = harness.charged("evt_1", "payment_intent.succeeded").to_string();
    let now = Timestamp::now();
    for signature in [
        String::new(),
        "t=1,v1=00".to_owned(),
        signature("whsec_other", &body, now),
        signature(WEBHOOK_SECRET, "{}", now),
        signature(WEBHOOK_SECRET, &body, Timestamp::from_millis(now.as_millis() - 400_000)),
    ] {
        assert_eq!(harness.send(&body, &signature).await, 400, "{signature:?}");
    }
    assert_eq!(harness.send("[]", &signature(WEBHOOK_SECRET, "[]", now)).await, 400);
    for object in [json!({"id": "cus_1"}), json!({"id": 7, "status": {"a": 1}, "metadata": []}), json!([])] {
        assert_eq!(harness.notify(&event("evt_2", "customer.created", 1, object)).await, 200);
    }
    assert_eq!(harness.notify(&harness.charged("evt_3", "payment_intent.succeeded")).await, 200);
    assert!(harness.stub.lines().is_empty(), "no event was about a payment of this shop");
}

#[tokio::test]
async fn a_refund_that_fails_days_later_needs_an_operator() {
    let stub = charging().await.on(READ, [Reply::intent("succeeded")]);
    let stub = stub.on(REFUND, [Reply::refund("pending", 3998)]);
    let states =
        [Reply::refunds(&[]), Reply::refunds(&[("pending", 3998)]), Reply::refunds(&[("failed", 3998)])];
    let harness = StripeHarness::start(stub.on(REFUNDS, states)).await;
    assert_eq!(harness.deliver().await, Outcome::Done);
    assert_eq!(harness.deliver_event(cancelled(harness.order)).await, Outcome::Done);

    assert_eq!(harness.notify(&harness.refund("evt_1", "failed")).await, 200);
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Refunded), "it is pending");
    assert_eq!(harness.notify(&harness.refund("evt_2", "failed")).await, 200);
    assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::RefundFailed));
    let version = harness.payments.row(harness.order).await.unwrap().version;
    assert_eq!(harness.notify(&harness.refund("evt_2", "failed")).await, 200);
    assert_eq!(harness.payments.row(harness.order).await.unwrap().version, version);
}

#[tokio::test]
async fn a_charge_that_succeeds_after_the_timeout_completes_the_payment() {
    for (kind, status, expected, emitted) in [
        ("payment_intent.succeeded", "succeeded", PaymentStatus::Completed, EventType::PaymentCompleted),
        (
            "payment_intent.payment_failed",
            "requires_payment_method",
            PaymentStatus::Failed,
            EventType::PaymentFailed,
        ),
    ] {
        let stub = creating().await.on(CONFIRM, [Reply::intent("processing")]);
        let harness = StripeHarness::start(
            stub.on(READ, [Reply::intent("processing"), Reply::intent("processing"), Reply::intent(status)]),
        )
        .await;
        assert!(matches!(harness.deliver().await, Outcome::Retry { .. }));
        assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Unknown));

        assert_eq!(
            harness.notify(&harness.charged("evt_1", kind)).await,
            503,
            "Stripe says that it is pending"
        );
        assert_eq!(harness.notify(&harness.charged("evt_1", kind)).await, 200);
        assert_eq!(harness.payments.status(harness.order).await, Some(expected));
        let event = harness.payments.service.last_event(&EVENT_SOURCE, &harness.order.to_string()).await;
        assert_eq!(event.event_type(), emitted);
    }
}

#[tokio::test]
async fn a_dispute_is_recorded_and_shown() {
    let harness = StripeHarness::start(charging().await).await;
    assert_eq!(harness.deliver().await, Outcome::Done);
    let intent = harness.intent("succeeded");
    let harness = StripeHarness { stub: harness.stub.on(READ, [intent]), ..harness };
    assert_eq!(harness.shown().await.get("dispute"), None);

    assert_eq!(harness.notify(&dispute("evt_1", "charge.dispute.created", 100, "needs_response")).await, 200);
    assert_eq!(harness.shown().await["dispute"]["status"], "needs_response");
    assert_eq!(harness.notify(&dispute("evt_3", "charge.dispute.closed", 300, "lost")).await, 200);
    assert_eq!(harness.notify(&dispute("evt_2", "charge.dispute.updated", 200, "under_review")).await, 200);
    let shown = harness.shown().await;
    assert_eq!(shown["dispute"]["status"], "lost", "the update is older");
    assert_eq!((&shown["dispute"]["reason"], &shown["status"]), (&json!("fraudulent"), &json!("completed")));
}
