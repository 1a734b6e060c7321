//! Stripe as the payment provider.
//!
//! An order is paid by a PaymentIntent: making one moves no money, confirming it does, once. What decides which intent may be confirmed is a
//! claim of the order's key, one line in the table of payments: the intent that was made first, or the note that the order is called off. So two
//! intents do no harm, whether Stripe has forgotten an `Idempotency-Key` after its 24 hours or a process died before it could note the first
//! one; and that Stripe finds no charge proves nothing and needs to prove nothing. From then on the intent decides: Stripe confirms it or
//! cancels it, never both.

mod claims;
mod client;
mod failure;
mod objects;
mod settings;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId, PaymentToken};
use orderflow_store::{Store, StoreError};

use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Undone};
use claims::{Claim, Claims};
use client::StripeClient;
use failure::StripeError;
use objects::{IntentStatus, Page, PaymentIntent, Refund};

pub use settings::{ApiKey, StripeSettings};

/// How often an intent is called off anew when its state changed meanwhile.
const ROUNDS: usize = 3;

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

    async fn first_charge(
        &self,
        request: &ChargeRequest,
        token: &PaymentToken,
    ) -> Result<Charge, GatewayError> {
        let made = match self.make_intent(request, token).await {
            Ok(made) => made,
            Err(error) => {
                let declined = error.declined().map(|reason| Charge::Declined { reason });
                return declined.ok_or_else(|| error.without_effect());
            }
        };
        let claim = Claim::Charge { intent: made.id.clone() };
        let claim = self.claims.enter(request.order_id, claim).await.map_err(unavailable)?;
        if !matches!(&claim, Claim::Charge { intent } if *intent == made.id) {
            self.tidy_up(request.order_id, &made.id).await;
        }
        match claim {
            Claim::Charge { intent } => self.confirm(&intent).await,
            Claim::CalledOff => Ok(Charge::CalledOff),
        }
    }

    async fn make_intent(
        &self,
        request: &ChargeRequest,
        token: &PaymentToken,
    ) -> Result<PaymentIntent, StripeError> {
        let order_id = request.order_id.to_string();
        let form = [
            ("amount", stripe_amount(&request.amount).to_string()),
            ("currency", request.amount.currency.as_str().to_ascii_lowercase()),
            ("payment_method", token.as_str().to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("metadata[order_id]", order_id.clone()),
        ];
        self.client.create("payment_intents", &form, &order_id).await
    }

    async fn confirm(&self, intent: &str) -> Result<Charge, GatewayError> {
        let confirmed = self.client.post::<PaymentIntent>(&format!("payment_intents/{intent}/confirm")).await;
        let now = match confirmed {
            Ok(now) => now,
            // It was confirmed or canceled before.
            Err(error) if error.is_bad_request() => {
                return self.retrieve(intent).await?.charge()?.ok_or_else(|| error.into());
            }
            Err(error) => {
                let declined = error.declined().map(|reason| Charge::Declined { reason });
                return declined.ok_or_else(|| error.into());
            }
        };
        now.charge()?.ok_or_else(|| GatewayError::Unknown("the intent is not confirmed yet".to_owned()))
    }

    async fn retrieve(&self, intent: &str) -> Result<PaymentIntent, GatewayError> {
        let path = format!("payment_intents/{intent}?expand%5B%5D=latest_charge");
        self.client.get(&path).await.map_err(StripeError::without_effect)
    }

    async fn call_off(&self, order_id: OrderId, intent: &str) -> Result<Undone, GatewayError> {
        for _ in 0..ROUNDS {
            let now = self.retrieve(intent).await?;
            match now.status {
                IntentStatus::Canceled => return Ok(Undone::Voided),
                IntentStatus::Succeeded => return self.give_back(order_id, now).await,
                _ => {}
            }
            match self.cancel(intent).await {
                Ok(_) => return Ok(Undone::Voided),
                // Somebody was faster, or it is between two states.
                Err(error) if error.is_bad_request() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(GatewayError::Unknown("the intent can be neither canceled nor refunded yet".to_owned()))
    }

    async fn cancel(&self, intent: &str) -> Result<PaymentIntent, StripeError> {
        self.client.post(&format!("payment_intents/{intent}/cancel")).await
    }

    async fn give_back(&self, order_id: OrderId, intent: PaymentIntent) -> Result<Undone, GatewayError> {
        if !intent.is_refunded() {
            self.refund(order_id, &intent.id).await?;
        }
        Ok(Undone::Refunded { provider_id: intent.id })
    }

    /// Refunds the whole charge. Stripe gives back no more than was taken, however many ask.
    async fn refund(&self, order_id: OrderId, intent: &str) -> Result<(), GatewayError> {
        let path = format!("refunds?payment_intent={intent}&limit=100");
        let refunds: Page<Refund> = self.client.get(&path).await.map_err(StripeError::without_effect)?;
        if refunds.data.iter().any(Refund::is_in_force) {
            return Ok(());
        }
        let form = [("payment_intent", intent.to_owned()), ("metadata[order_id]", order_id.to_string())];
        // One that failed needs another: Stripe would answer with the failed one again.
        let key = format!("{order_id}:refund:{}", refunds.data.len());
        match self.client.create::<Refund>("refunds", &form, &key).await {
            Ok(refund) if refund.is_in_force() => Ok(()),
            Ok(_) => Err(GatewayError::RefundFailed("it came back".to_owned())),
            Err(error) => Err(match error.into() {
                GatewayError::Refused(reason) => GatewayError::RefundFailed(reason),
                other => other,
            }),
        }
    }

    /// Cancels an intent that lost its claim. It is never confirmed, so it costs nobody anything if this fails.
    async fn tidy_up(&self, order_id: OrderId, intent: &str) {
        if let Err(error) = self.cancel(intent).await {
            tracing::debug!(order.id = %order_id, %error, "an intent that nobody uses could not be canceled");
        }
    }
}

#[async_trait]
impl PaymentGateway for StripeGateway {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        let Some(token) = &request.token else {
            return Ok(Charge::Declined { reason: "payment_method_missing".to_owned() });
        };
        match self.claims.find(request.order_id).await.map_err(unavailable)? {
            Some(Claim::CalledOff) => Ok(Charge::CalledOff),
            None => self.first_charge(request, token).await,
            Some(Claim::Charge { intent }) => match self.retrieve(&intent).await?.charge()? {
                Some(charge) => Ok(charge),
                None => self.confirm(&intent).await,
            },
        }
    }

    async fn undo(&self, order_id: OrderId, _amount: &Money) -> Result<Undone, GatewayError> {
        match self.claims.enter(order_id, Claim::CalledOff).await.map_err(unavailable)? {
            Claim::CalledOff => Ok(Undone::Voided),
            Claim::Charge { intent } => self.call_off(order_id, &intent).await,
        }
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        match self.claims.find(order_id).await.map_err(unavailable)? {
            None => Ok(None),
            Some(Claim::CalledOff) => Ok(Some(Charge::CalledOff)),
            Some(Claim::Charge { intent }) => self.retrieve(&intent).await?.charge(),
        }
    }
}

/// An amount as Stripe counts it: the currency's minor units, with two exceptions.
fn stripe_amount(money: &Money) -> i64 {
    if IN_HUNDREDTHS.contains(&money.currency.as_str()) { money.amount * 100 } else { money.amount }
}

/// No money moves before the claim is known.
fn unavailable(error: StoreError) -> GatewayError {
    GatewayError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
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
