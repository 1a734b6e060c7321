//! Answers of whatever stands between us and Stripe.

use orderflow_messaging::Outcome;
use orderflow_payments::{GatewayError, PaymentStatus};

use super::stub::{Reply, StripeStub};
use super::{CANCEL, CONFIRM, MAKE, READ, REFUND, REFUNDS, Shop, charging, making};

/// What proxies, load balancers and portals answer.
fn foreign() -> Vec<Reply> {
    let page = "<html><body>Not here</body></html>";
    let mut replies: Vec<Reply> =
        [400, 401, 402, 403, 404, 407, 413, 429, 502, 503, 504].map(|status| Reply::raw(status, page)).into();
    replies.push(Reply::raw(302, "").with("location", "https://login.example.com/"));
    // Led elsewhere, in whoever's words.
    replies.push(Reply::raw(307, r#"{"error": {"type": "invalid_request_error"}}"#));
    let json = ["", "{}", r#"{"error": "not_found"}"#, r#"{"error": {"code": "payment_method"}}"#];
    replies.extend(json.map(|body| Reply::raw(404, body)));
    replies.push(Reply::raw(503, page).with("retry-after", "7"));
    replies.push(Reply::raw(200, page));
    replies
}

#[tokio::test]
async fn nothing_is_taken_for_refused_while_an_intent_is_made() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let shop = Shop::start(StripeStub::start().await.on(MAKE, [reply])).await;
        let charge = shop.charge().await;
        assert!(matches!(charge, Err(GatewayError::Unavailable(_))), "{shown}: {charge:?}");
        assert_eq!(shop.find().await, Ok(None));
        assert!(matches!(shop.handle().await, Outcome::Retry { .. }), "{shown}");
        assert_eq!(shop.payments.row(shop.order).await, None, "{shown}");
    }
}

#[tokio::test]
async fn a_confirmation_may_have_arrived() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let stub = making().await.on(CONFIRM, [reply, Reply::intent("succeeded")]);
        let shop = Shop::start(stub.on(READ, [Reply::intent("requires_confirmation")])).await;
        assert!(matches!(shop.handle().await, Outcome::Retry { .. }), "{shown}");
        assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Claimed), "{shown}");
        assert_eq!(shop.handle().await, Outcome::Done, "{shown}");
        assert_eq!(shop.payments.status(shop.order).await, Some(PaymentStatus::Completed), "{shown}");
        assert_eq!(shop.stub.lines(), [MAKE, CONFIRM, READ, READ, READ, CONFIRM], "{shown}");
    }
}

#[tokio::test]
async fn a_refund_may_have_arrived() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let stub = charging().await.on(READ, [Reply::intent("succeeded")]);
        let shop = Shop::start(stub.on(REFUNDS, [Reply::refunds(&[])]).on(REFUND, [reply])).await;
        shop.charge().await.unwrap();
        let undone = shop.undo().await;
        assert!(matches!(undone, Err(GatewayError::Unknown(_))), "{shown}: {undone:?}");
    }
}

#[tokio::test]
async fn a_cancellation_may_have_arrived() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let stub = making().await.on(CONFIRM, [Reply::intent("processing")]).on(CANCEL, [reply]);
        let shop = Shop::start(stub.on(READ, [Reply::intent("requires_confirmation")])).await;
        assert!(matches!(shop.charge().await, Err(GatewayError::Unknown(_))));
        let undone = shop.undo().await;
        assert!(matches!(undone, Err(GatewayError::Unknown(_))), "{shown}: {undone:?}");
    }
}

#[tokio::test]
async fn nothing_is_learnt_from_whoever_else_answers_what_became_of_a_charge() {
    for reply in foreign() {
        let shown = format!("{reply:?}");
        let shop = Shop::start(charging().await.on(READ, [reply])).await;
        shop.charge().await.unwrap();
        for answer in [shop.find().await.map(|_| ()), shop.undo().await.map(|_| ())] {
            assert!(matches!(answer, Err(GatewayError::Unavailable(_))), "{shown}: {answer:?}");
        }
    }
}
