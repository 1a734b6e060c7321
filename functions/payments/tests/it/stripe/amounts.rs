//! Amounts as Stripe counts them, at a stub that checks them as Stripe documents.

use orderflow_domain::{Currency, Money, PaymentToken};
use orderflow_payments::{Charge, ChargeRequest, GatewayError, PaymentGateway};

use super::stub::{Reply, StripeStub};
use super::{CONFIRM, CREATE, StripeHarness, captured, charging, declined};

/// Charges an order with this total.
async fn charge(stub: StripeStub, amount: i64, code: &str) -> (StripeHarness, Result<Charge, GatewayError>) {
    let harness = StripeHarness::start(stub.checking_amounts()).await;
    let request = ChargeRequest {
        order_id: harness.order,
        amount: Money { amount, currency: Currency::parse(code).unwrap() },
        token: Some(PaymentToken::parse("pm_secret").unwrap()),
    };
    let charge = harness.gateway.charge(&request).await;
    (harness, charge)
}

#[tokio::test]
async fn each_currency_is_charged_in_the_unit_of_stripe() {
    for (amount, code, sent) in [
        (3998, "USD", "amount=3998&currency=usd&"),
        (1000, "MGA", "amount=10&currency=mga&"),
        (500, "JPY", "amount=500&currency=jpy&"),
        (5, "ISK", "amount=500&currency=isk&"),
        (5, "UGX", "amount=500&currency=ugx&"),
        (5120, "KWD", "amount=5120&currency=kwd&"),
        (80_045, "TWD", "amount=80045&currency=twd&"),
        (17_545, "HUF", "amount=17545&currency=huf&"),
    ] {
        let (harness, charge) = charge(charging().await, amount, code).await;
        assert_eq!(charge, captured(), "{code}");
        assert_eq!(harness.stub.lines(), [CREATE, CONFIRM]);
        let form = &harness.stub.received()[0].form;
        assert!(form.starts_with(sent), "{form}");
    }
}

#[tokio::test]
async fn an_amount_that_stripe_cannot_express_is_declined_and_not_rounded() {
    for (amount, code) in [(1050, "MGA"), (5124, "KWD"), (1000, "LYD")] {
        let (harness, charge) = charge(StripeStub::start().await, amount, code).await;
        assert_eq!(charge, declined("invalid_charge_amount"), "{code}");
        assert_eq!(harness.find().await, declined("invalid_charge_amount").map(Some));
        assert!(harness.stub.lines().is_empty());
    }
}

#[tokio::test]
async fn an_amount_outside_of_the_limits_of_stripe_is_declined() {
    for (amount, code, reason) in [
        (49, "USD", "amount_too_small"),
        (49, "JPY", "amount_too_small"),
        (1_000_000_000_000, "USD", "amount_too_large"),
    ] {
        let stub = StripeStub::start().await.on(CREATE, [Reply::intent("requires_confirmation")]);
        let (_, charge) = charge(stub, amount, code).await;
        assert_eq!(charge, declined(reason), "{amount} {code}");
    }
}
