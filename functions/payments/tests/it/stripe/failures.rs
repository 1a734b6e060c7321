//! Failures of Stripe, and requests that it refuses.

use std::time::Duration;

use orderflow_domain::{OrderId, PaymentToken};
use orderflow_messaging::Outcome;
use orderflow_payments::{ChargeRequest, GatewayError, PaymentGateway, StripeGateway};

use super::stub::{Reply, StripeStub};
use super::{CREATE, StripeHarness};
use crate::harness::{PaymentsHarness, total};

#[tokio::test]
async fn failures_before_a_confirmation_are_never_unknown() {
    let unavailable = |error: &GatewayError| matches!(error, GatewayError::Unavailable(_));
    let busy = |error: &GatewayError| *error == GatewayError::Busy { retry_after: Duration::from_secs(7) };
    for (reply, expected) in [
        (Reply::error(500, "", ""), unavailable as fn(&GatewayError) -> bool),
        (Reply::error(429, "rate_limit", ""), unavailable),
        (Reply::error(401, "", ""), unavailable),
        (Reply::error(400, "parameter_unknown", "amount"), |error| matches!(error, GatewayError::Refused(_))),
        (Reply::error(503, "", ""), unavailable),
        (Reply::error(429, "", "").with("retry-after", "7"), busy),
        (Reply::error(503, "", "").with("retry-after", "7"), busy),
    ] {
        let shown = format!("{reply:?}");
        let harness = StripeHarness::start(StripeStub::start().await.on(CREATE, [reply])).await;
        let error = harness.charge().await.unwrap_err();
        assert!(expected(&error), "{shown}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        assert_eq!(harness.find().await, Ok(None));
    }
}

#[tokio::test]
async fn a_rejected_api_key_names_its_setting() {
    let harness =
        StripeHarness::start(StripeStub::start().await.on(CREATE, [Reply::error(401, "", "")])).await;
    let error = harness.charge().await.unwrap_err().to_string();
    assert!(error.contains("STRIPE_API_KEY is not accepted"), "{error}");
}

#[tokio::test]
async fn a_refused_connection_is_unavailable_and_not_unknown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = StripeStub::start().await.settings();
    settings.api_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let payments = PaymentsHarness::open().await;
    let gateway = StripeGateway::new(&payments.service.store, &settings).unwrap();
    let token = Some(PaymentToken::parse("pm_secret").unwrap());
    let request = ChargeRequest { order_id: OrderId::generate(), amount: total(), token };
    let error = gateway.charge(&request).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn retry_after_is_obeyed_and_counts_an_attempt() {
    let busy = Reply::error(429, "", "").with("retry-after", "7");
    let harness = StripeHarness::start(StripeStub::start().await.on(CREATE, [busy])).await;
    let Outcome::Retry { after: Some(after), .. } = harness.deliver().await else { panic!("not a retry") };
    assert!((7..=11).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test]
async fn a_request_that_stripe_refuses_is_dead_lettered() {
    let refused = Reply::error(400, "parameter_unknown", "metadata");
    let harness = StripeHarness::start(StripeStub::start().await.on(CREATE, [refused])).await;
    let outcome = harness.deliver().await;
    let Outcome::DeadLetter { code, reason } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*code, "payment-refused");
    assert!(reason.contains("400") && reason.contains("parameter_unknown"), "{reason}");
}
