//! Answers of proxies, load balancers and captive portals in place of Stripe's.

use orderflow_messaging::Outcome;
use orderflow_payments::{GatewayError, PaymentStatus};

use super::stub::{Reply, StripeStub};
use super::{CANCEL, CONFIRM, CREATE, READ, REFUND, REFUNDS, StripeHarness, charging, creating};

/// Returns answers that are not Stripe's.
fn foreign() -> Vec<Reply> {
    let page = "<html><body>Not here</body></html>";
    let mut replies: Vec<Reply> =
        [400, 401, 402, 403, 404, 407, 413, 429, 502, 503, 504].map(|status| Reply::raw(status, page)).into();
    replies.push(Reply::raw(302, "").with("location", "https://login.example.com/"));
    // Stripe never redirects, so this is not its answer in spite of the error object.
    replies.push(Reply::raw(307, r#"{"error": {"type": "invalid_request_error"}}"#));
    let json = ["", "{}", r#"{"error": "not_found"}"#, r#"{"error": {"code": "payment_method"}}"#];
    replies.extend(json.map(|body| Reply::raw(404, body)));
    replies.push(Reply::raw(503, page).with("retry-after", "7"));
    replies.push(Reply::raw(200, page));
    replies
}

#[tokio::test]
async fn a_foreign_answer_to_the_creation_of_an_intent_is_unavailable() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let harness = StripeHarness::start(StripeStub::start().await.on(CREATE, [reply])).await;
        let charge = harness.charge().await;
        assert!(matches!(charge, Err(GatewayError::Unavailable(_))), "{shown}: {charge:?}");
        assert_eq!(harness.find().await, Ok(None));
        assert!(matches!(harness.deliver().await, Outcome::Retry { .. }), "{shown}");
        assert_eq!(harness.payments.row(harness.order).await, None, "{shown}");
    }
}

#[tokio::test]
async fn a_foreign_answer_to_a_confirmation_is_unknown() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let stub = creating().await.on(CONFIRM, [reply, Reply::intent("succeeded")]);
        let harness = StripeHarness::start(stub.on(READ, [Reply::intent("requires_confirmation")])).await;
        assert!(matches!(harness.deliver().await, Outcome::Retry { .. }), "{shown}");
        assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Unknown), "{shown}");
        assert_eq!(harness.deliver().await, Outcome::Done, "{shown}");
        assert_eq!(harness.payments.status(harness.order).await, Some(PaymentStatus::Completed), "{shown}");
        assert_eq!(harness.stub.lines(), [CREATE, CONFIRM, READ, READ, READ, CONFIRM], "{shown}");
    }
}

#[tokio::test]
async fn a_foreign_answer_to_a_refund_is_unknown() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let stub = charging().await.on(READ, [Reply::intent("succeeded")]);
        let harness = StripeHarness::start(stub.on(REFUNDS, [Reply::refunds(&[])]).on(REFUND, [reply])).await;
        harness.charge().await.unwrap();
        let reversal = harness.reverse().await;
        assert!(matches!(reversal, Err(GatewayError::Unknown(_))), "{shown}: {reversal:?}");
    }
}

#[tokio::test]
async fn a_foreign_answer_to_a_cancellation_is_unknown() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let stub = creating().await.on(CONFIRM, [Reply::intent("processing")]).on(CANCEL, [reply]);
        let harness = StripeHarness::start(stub.on(READ, [Reply::intent("requires_confirmation")])).await;
        assert!(matches!(harness.charge().await, Err(GatewayError::Unknown(_))));
        let reversal = harness.reverse().await;
        assert!(matches!(reversal, Err(GatewayError::Unknown(_))), "{shown}: {reversal:?}");
    }
}

#[tokio::test]
async fn a_foreign_answer_to_a_read_is_unavailable() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let harness = StripeHarness::start(charging().await.on(READ, [reply])).await;
        harness.charge().await.unwrap();
        for answer in [harness.find().await.map(|_| ()), harness.reverse().await.map(|_| ())] {
            assert!(matches!(answer, Err(GatewayError::Unavailable(_))), "{shown}: {answer:?}");
        }
    }
}
