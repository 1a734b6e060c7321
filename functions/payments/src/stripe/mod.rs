//! Stripe as the payment provider.
//!
//! An order is paid by a PaymentIntent: making one moves no money, confirming it does, once. What decides which intent may be confirmed is a
//! claim of the order's key, one line in the table of payments: the intent that was made first, or the note that the order is called off. So two
//! intents do no harm, whether Stripe has forgotten an `Idempotency-Key` after its 24 hours or a process died before it could note the first
//! one; and that Stripe finds no charge proves nothing and needs to prove nothing. From then on the intent decides: Stripe confirms it or
//! cancels it, never both. So nobody is told that a charge is declined while its intent can still be confirmed.

mod charging;
mod claims;
mod client;
mod failure;
mod objects;
mod settings;
mod undoing;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId};
use orderflow_store::Store;

use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Undone};
use claims::{Claim, Claims};
use client::StripeClient;
use failure::StripeError;
use objects::{IntentStatus, PaymentIntent};

pub use settings::{ApiKey, StripeSettings};

/// Currencies without decimal places whose amounts Stripe counts in hundredths all the same.
const IN_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];

/// A gateway that charges cards by Stripe. A payment token is the id of a PaymentMethod (`pm_...`).
#[derive(Debug, Clone)]
pub struct StripeGateway {
    client: StripeClient,
    claims: Claims,
}

impl StripeGateway {
    /// A gateway that keeps its claims in this store.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(store: &Store, settings: &StripeSettings) -> Result<Self, reqwest::Error> {
        Ok(Self { client: StripeClient::new(settings)?, claims: Claims::new(store) })
    }

    async fn retrieve(&self, intent: &str) -> Result<PaymentIntent, GatewayError> {
        let path = format!("payment_intents/{intent}?expand%5B%5D=latest_charge");
        self.client.get(&path).await.map_err(StripeError::without_effect)
    }

    /// What became of the charge; none where it can still be made.
    async fn outcome(&self, order_id: OrderId, now: &PaymentIntent) -> Result<Option<Charge>, GatewayError> {
        if now.status != IntentStatus::Canceled {
            return now.charge();
        }
        // Read after the intent: whoever cancels what was declined notes it before.
        match self.claims.find(order_id).await.map_err(unavailable)? {
            Some(Claim::Charge { declined: Some(reason), .. }) => Ok(Some(Charge::Declined { reason })),
            _ => Ok(Some(Charge::CalledOff)),
        }
    }

    async fn cancel(&self, intent: &str) -> Result<PaymentIntent, StripeError> {
        self.client.post(&format!("payment_intents/{intent}/cancel")).await
    }
}

#[async_trait]
impl PaymentGateway for StripeGateway {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        let Some(token) = &request.token else {
            return Ok(Charge::Declined { reason: "payment_method_missing".to_owned() });
        };
        match self.claims.find(request.order_id).await.map_err(unavailable)? {
            None => self.first_charge(request, token).await,
            Some(claim) => self.charge_by(request.order_id, claim).await,
        }
    }

    async fn undo(&self, order_id: OrderId, _amount: &Money) -> Result<Undone, GatewayError> {
        match self.claims.enter(order_id, Claim::CalledOff).await.map_err(unavailable)? {
            Claim::CalledOff | Claim::Declined { .. } => Ok(Undone::Voided),
            Claim::Charge { intent, .. } => self.call_off(order_id, &intent).await,
        }
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        match self.claims.find(order_id).await.map_err(unavailable)? {
            None => Ok(None),
            Some(Claim::CalledOff) => Ok(Some(Charge::CalledOff)),
            Some(Claim::Declined { reason }) => Ok(Some(Charge::Declined { reason })),
            Some(Claim::Charge { intent, .. }) => {
                let now = self.retrieve(&intent).await?;
                self.outcome(order_id, &now).await
            }
        }
    }
}

/// An amount as Stripe counts it: the currency's minor units, with two exceptions.
fn stripe_amount(money: &Money) -> i64 {
    if IN_HUNDREDTHS.contains(&money.currency.as_str()) { money.amount * 100 } else { money.amount }
}

/// No money moves before the claim is known.
fn unavailable(error: impl std::error::Error) -> GatewayError {
    GatewayError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use orderflow_domain::Currency;

    use super::*;

    #[test]
    fn amounts_are_counted_as_stripe_counts_them() {
        for (code, amount) in [("USD", 3998), ("JPY", 3998), ("KWD", 3998), ("ISK", 399_800)] {
            let money = Money { amount: 3998, currency: Currency::parse(code).unwrap() };
            assert_eq!(stripe_amount(&money), amount, "{code}");
        }
    }
}
