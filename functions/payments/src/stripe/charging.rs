//! Charging an order by its intent.

use orderflow_domain::{OrderId, PaymentToken};

use super::claims::Claim;
use super::failure::StripeError;
use super::objects::PaymentIntent;
use super::{StripeGateway, stripe_amount, unavailable};
use crate::gateway::{Charge, ChargeRequest, GatewayError};

impl StripeGateway {
    /// Charges an order whose key nobody has claimed yet.
    pub(super) async fn first_charge(
        &self,
        request: &ChargeRequest,
        token: &PaymentToken,
    ) -> Result<Charge, GatewayError> {
        match self.make_intent(request, token).await {
            Ok(made) => self.charge_by_new(request.order_id, &made.id).await,
            Err(error) => {
                let reason = error.declined().ok_or_else(|| error.without_effect())?;
                // Whoever asks again may be given an intent all the same. What is claimed first decides.
                let declined = Claim::Declined { reason };
                let claim = self.claims.enter(request.order_id, declined).await.map_err(unavailable)?;
                self.charge_by(request.order_id, claim).await
            }
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

    async fn charge_by_new(&self, order_id: OrderId, intent: &str) -> Result<Charge, GatewayError> {
        let ours = Claim::Charge { intent: intent.to_owned(), declined: None };
        let claim = self.claims.enter(order_id, ours.clone()).await.map_err(unavailable)?;
        if claim == ours {
            return self.confirm(order_id, intent).await;
        }
        if !claim.is_for(intent) {
            self.tidy_up(order_id, intent).await;
        }
        self.charge_by(order_id, claim).await
    }

    /// Charges an order by what its key is claimed for, or tells again what became of that.
    pub(super) async fn charge_by(&self, order_id: OrderId, claim: Claim) -> Result<Charge, GatewayError> {
        let (intent, declined) = match claim {
            Claim::CalledOff => return Ok(Charge::CalledOff),
            Claim::Declined { reason } => return Ok(Charge::Declined { reason }),
            Claim::Charge { intent, declined } => (intent, declined),
        };
        let now = self.retrieve(&intent).await?;
        if let Some(charge) = self.outcome(order_id, &now).await? {
            return Ok(charge);
        }
        match declined.or_else(|| now.objection()) {
            Some(reason) => self.decline(order_id, &intent, reason).await,
            None => self.confirm(order_id, &intent).await,
        }
    }

    async fn confirm(&self, order_id: OrderId, intent: &str) -> Result<Charge, GatewayError> {
        let (now, error) = match self.client.post(&format!("payment_intents/{intent}/confirm")).await {
            Ok(now) => (now, None),
            // Declined, or confirmed or canceled before: the intent knows.
            Err(error) if error.declined().is_some() || error.is_bad_request() => {
                (self.retrieve(intent).await?, Some(error))
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(charge) = self.outcome(order_id, &now).await? {
            return Ok(charge);
        }
        let declined = error.as_ref().and_then(StripeError::declined).or_else(|| now.objection());
        match (declined, error) {
            (Some(reason), _) => self.decline(order_id, intent, reason).await,
            (None, Some(error)) => Err(error.into()),
            (None, None) => Err(GatewayError::Unknown("the intent is not confirmed yet".to_owned())),
        }
    }

    /// Cancels an intent that is declined and could be charged all the same. The reason is noted first: an intent that is
    /// found canceled without one was called off.
    async fn decline(&self, order_id: OrderId, intent: &str, reason: String) -> Result<Charge, GatewayError> {
        self.claims.note_decline(order_id, intent, &reason).await.map_err(unavailable)?;
        match self.cancel(intent).await {
            Ok(_) => Ok(Charge::Declined { reason }),
            // Somebody was faster, or it is between two states.
            Err(error) if error.is_bad_request() => {
                let now = self.retrieve(intent).await?;
                let undecided = || GatewayError::Unknown("the intent cannot be canceled yet".to_owned());
                self.outcome(order_id, &now).await?.ok_or_else(undecided)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Cancels an intent that lost its claim. It is never confirmed, so it costs nobody anything if this fails.
    async fn tidy_up(&self, order_id: OrderId, intent: &str) {
        if let Err(error) = self.cancel(intent).await {
            tracing::debug!(order.id = %order_id, %error, "an intent that nobody uses could not be canceled");
        }
    }
}
