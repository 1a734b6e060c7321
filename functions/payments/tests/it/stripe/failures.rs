//! Stripe that fails, or says no to us.

use std::time::Duration;

use orderflow_domain::{OrderId, PaymentToken};
use orderflow_messaging::Outcome;
use orderflow_payments::{ChargeRequest, GatewayError, PaymentGateway, StripeGateway};

use super::stub::{Reply, StripeStub};
use super::{MAKE, Shop};
use crate::support::{Payments, total};

#[tokio::test]
async fn failures_while_nothing_is_charged_leave_nothing_unknown() {
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
        let shop = Shop::start(StripeStub::start().await.on(MAKE, [reply])).await;
        let error = shop.charge().await.unwrap_err();
        assert!(expected(&error), "{shown}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        assert_eq!(shop.find().await, Ok(None));
    }
}

#[tokio::test]
async fn a_key_that_is_not_accepted_names_its_setting() {
    let shop = Shop::start(StripeStub::start().await.on(MAKE, [Reply::error(401, "", "")])).await;
    let error = shop.charge().await.unwrap_err().to_string();
    assert!(error.contains("STRIPE_API_KEY is not accepted"), "{error}");
}

#[tokio::test]
async fn stripe_that_is_not_there_took_nothing_in() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = StripeStub::start().await.settings();
    settings.api_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let payments = Payments::start().await;
    let gateway = StripeGateway::new(&payments.store, &settings).unwrap();
    let token = Some(PaymentToken::parse("pm_secret").unwrap());
    let request = ChargeRequest { order_id: OrderId::generate(), amount: total(), token };
    let error = gateway.charge(&request).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn retry_after_is_obeyed_and_counted_as_an_attempt() {
    let busy = Reply::error(429, "", "").with("retry-after", "7");
    let shop = Shop::start(StripeStub::start().await.on(MAKE, [busy])).await;
    let Outcome::Retry { after: Some(after), .. } = shop.handle().await else { panic!("not a retry") };
    assert!((7..=11).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test]
async fn what_stripe_will_never_take_is_a_dead_letter() {
    let refused = Reply::error(400, "parameter_unknown", "metadata");
    let shop = Shop::start(StripeStub::start().await.on(MAKE, [refused])).await;
    let outcome = shop.handle().await;
    let Outcome::DeadLetter { code, reason } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*code, "payment-refused");
    assert!(reason.contains("400") && reason.contains("parameter_unknown"), "{reason}");
}
