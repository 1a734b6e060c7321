//! Stripe as the payment provider.
//!
//! An order is paid through a PaymentIntent: creating one moves no money, confirming it does, once. Which intent may be
//! confirmed is decided by the claim of the order's key, one record in the table `payments`: the intent that was created
//! first, or the fact that the payment was reversed. Two intents for an order therefore do no harm, whether Stripe has
//! forgotten an `Idempotency-Key` after its 24 hours or a process crashed before it recorded the first intent; and the
//! gateway never relies on Stripe not finding a charge. After the claim the intent decides: Stripe either confirms or
//! cancels it. A charge is reported as declined only once its intent can no longer be confirmed.

mod claims;
mod client;
mod failure;
mod intents;
mod objects;
mod settings;
mod webhook;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId};
use orderflow_store::Store;

use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Reversal};
use claims::{Claim, Claims};
use client::StripeClient;
use failure::StripeError;
use objects::{IntentStatus, PaymentIntent};

pub use settings::{ApiKey, StripeSettings};
pub(crate) use webhook::router as webhook_router;
pub use webhook::{STRIPE_WEBHOOK, WebhookSecret};

/// A gateway that charges cards through Stripe. A payment token is the id of a PaymentMethod (`pm_...`).
#[derive(Debug, Clone)]
pub struct StripeGateway {
    client: StripeClient,
    claims: Claims,
}

impl StripeGateway {
    /// Creates a gateway that keeps its claims in this store.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(store: &Store, settings: &StripeSettings) -> Result<Self, reqwest::Error> {
        Ok(Self { client: StripeClient::new(settings)?, claims: Claims::new(store) })
    }

    async fn retrieve(&self, intent: &str) -> Result<PaymentIntent, GatewayError> {
        let path = format!("payment_intents/{intent}?expand%5B%5D=latest_charge");
        self.client.get(&path).await.map_err(StripeError::without_effect)
    }

    /// Returns the order that an intent pays; `None` for an intent of another program.
    async fn order_of(&self, intent: &str) -> Result<Option<OrderId>, GatewayError> {
        Ok(self.retrieve(intent).await?.order())
    }

    /// Returns the result of the charge; `None` if the intent can still be charged.
    async fn outcome(&self, order_id: OrderId, now: &PaymentIntent) -> Result<Option<Charge>, GatewayError> {
        if now.status != IntentStatus::Canceled {
            return now.charge();
        }
        // The claim is read after the intent, because the reason of a decline is recorded before the intent is canceled.
        match self.claims.find(order_id).await.map_err(unavailable)? {
            Some(Claim::Charge { declined: Some(reason), .. }) => Ok(Some(Charge::Declined { reason })),
            _ => Ok(Some(Charge::Reversed)),
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

    async fn reverse(&self, order_id: OrderId, _amount: &Money) -> Result<Reversal, GatewayError> {
        match self.claims.claim(order_id, Claim::Voided).await.map_err(unavailable)? {
            Claim::Voided | Claim::Declined { .. } => Ok(Reversal::Voided),
            Claim::Charge { intent, .. } => self.reverse_intent(order_id, &intent).await,
        }
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        match self.claims.find(order_id).await.map_err(unavailable)? {
            None => Ok(None),
            Some(Claim::Voided) => Ok(Some(Charge::Reversed)),
            Some(Claim::Declined { reason }) => Ok(Some(Charge::Declined { reason })),
            Some(Claim::Charge { intent, .. }) => {
                let now = self.retrieve(&intent).await?;
                self.outcome(order_id, &now).await
            }
        }
    }
}

/// The error of a claim that cannot be read or written. No money moves before the claim is known.
fn unavailable(error: impl std::error::Error) -> GatewayError {
    GatewayError::Unavailable(error.to_string())
}
