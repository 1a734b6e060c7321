//! Charges an order through its PaymentIntent, and reverses it.

use orderflow_backoff::Backoff;
use orderflow_domain::{NotChargeable, OrderId, PaymentToken, stripe_amount};

use super::claims::Claim;
use super::failure::StripeError;
use super::objects::{IntentStatus, Page, PaymentIntent, Refund};
use super::{StripeGateway, unavailable};
use crate::gateway::{Charge, ChargeRequest, GatewayError, Reversal};

/// The number of times that a reversal is tried while the state of the intent changes.
const REVERSAL_ATTEMPTS: u32 = 3;

/// The delays between these attempts.
const BACKOFF: Backoff = Backoff::from_millis(0, 50, 200);

/// Stripe's code for an amount that is not a whole number of the currency's smallest unit.
const INVALID_AMOUNT: &str = "invalid_charge_amount";

impl StripeGateway {
    /// Charges an order whose key is not claimed yet.
    pub(super) async fn first_charge(
        &self,
        request: &ChargeRequest,
        token: &PaymentToken,
    ) -> Result<Charge, GatewayError> {
        let amount = match stripe_amount(&request.amount) {
            Ok(amount) => amount,
            // Rounded, the charge would not be what the customer ordered.
            Err(error) => return self.decline_amount(request.order_id, &error).await,
        };
        match self.create_intent(request, amount, token).await {
            Ok(created) => self.charge_by_new(request.order_id, &created.id).await,
            Err(error) => {
                let reason = error.declined().ok_or_else(|| error.without_effect())?;
                // A repeated request may create an intent all the same. The first claim decides.
                self.decline_without_intent(request.order_id, reason).await
            }
        }
    }

    /// Declines a charge whose amount Stripe cannot express.
    async fn decline_amount(&self, order_id: OrderId, error: &NotChargeable) -> Result<Charge, GatewayError> {
        tracing::warn!(order.id = %order_id, %error, "amount cannot be charged by Stripe");
        self.decline_without_intent(order_id, INVALID_AMOUNT.to_owned()).await
    }

    async fn decline_without_intent(
        &self,
        order_id: OrderId,
        reason: String,
    ) -> Result<Charge, GatewayError> {
        let declined = Claim::Declined { reason };
        let claim = self.claims.claim(order_id, declined).await.map_err(unavailable)?;
        self.charge_by(order_id, claim).await
    }

    async fn create_intent(
        &self,
        request: &ChargeRequest,
        amount: i64,
        token: &PaymentToken,
    ) -> Result<PaymentIntent, StripeError> {
        let order_id = request.order_id.to_string();
        let form = [
            ("amount", amount.to_string()),
            ("currency", request.amount.currency.as_str().to_ascii_lowercase()),
            ("payment_method", token.as_str().to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("metadata[order_id]", order_id.clone()),
        ];
        self.client.create("payment_intents", &form, &order_id).await
    }

    async fn charge_by_new(&self, order_id: OrderId, intent: &str) -> Result<Charge, GatewayError> {
        let ours = Claim::Charge { intent: intent.to_owned(), declined: None };
        let claim = self.claims.claim(order_id, ours.clone()).await.map_err(unavailable)?;
        if claim == ours {
            return self.confirm(order_id, intent).await;
        }
        if !claim.is_for(intent) {
            self.cancel_unclaimed(order_id, intent).await;
        }
        self.charge_by(order_id, claim).await
    }

    /// Charges an order according to the claim of its key, or returns the result of an earlier charge.
    pub(super) async fn charge_by(&self, order_id: OrderId, claim: Claim) -> Result<Charge, GatewayError> {
        let (intent, declined) = match claim {
            Claim::Voided => return Ok(Charge::Reversed),
            Claim::Declined { reason } => return Ok(Charge::Declined { reason }),
            Claim::Charge { intent, declined } => (intent, declined),
        };
        let now = self.retrieve(&intent).await?;
        if let Some(charge) = self.outcome(order_id, &now).await? {
            return Ok(charge);
        }
        match declined.or_else(|| now.decline_reason()) {
            Some(reason) => self.decline(order_id, &intent, reason).await,
            None => self.confirm(order_id, &intent).await,
        }
    }

    async fn confirm(&self, order_id: OrderId, intent: &str) -> Result<Charge, GatewayError> {
        let (now, error) = match self.client.post(&format!("payment_intents/{intent}/confirm")).await {
            Ok(now) => (now, None),
            // The charge is declined, or the intent was confirmed or canceled before. Its state says which.
            Err(error) if error.declined().is_some() || error.is_bad_request() => {
                (self.retrieve(intent).await?, Some(error))
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(charge) = self.outcome(order_id, &now).await? {
            return Ok(charge);
        }
        let declined = error.as_ref().and_then(StripeError::declined).or_else(|| now.decline_reason());
        match (declined, error) {
            (Some(reason), _) => self.decline(order_id, intent, reason).await,
            (None, Some(error)) => Err(error.into()),
            (None, None) => Err(GatewayError::Unknown("the intent is not confirmed yet".to_owned())),
        }
    }

    /// Cancels an intent that is declined but could still be charged. The reason is recorded first: a canceled intent without
    /// a recorded reason counts as reversed.
    async fn decline(&self, order_id: OrderId, intent: &str, reason: String) -> Result<Charge, GatewayError> {
        self.claims.record_decline(order_id, intent, &reason).await.map_err(unavailable)?;
        match self.cancel(intent).await {
            Ok(_) => Ok(Charge::Declined { reason }),
            // Another request was faster, or the intent is between two states.
            Err(error) if error.is_bad_request() => {
                let now = self.retrieve(intent).await?;
                let undecided = || GatewayError::Unknown("the intent cannot be canceled yet".to_owned());
                self.outcome(order_id, &now).await?.ok_or_else(undecided)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Cancels an intent that another claim excludes. It is never confirmed, so a failure does no harm.
    async fn cancel_unclaimed(&self, order_id: OrderId, intent: &str) {
        if let Err(error) = self.cancel(intent).await {
            tracing::debug!(order.id = %order_id, %error, "unused payment intent could not be canceled");
        }
    }

    /// Cancels an intent, or refunds it if it was captured.
    pub(super) async fn reverse_intent(
        &self,
        order_id: OrderId,
        intent: &str,
    ) -> Result<Reversal, GatewayError> {
        let mut attempts = BACKOFF.attempts(REVERSAL_ATTEMPTS);
        while attempts.next().await {
            let intent_now = self.retrieve(intent).await?;
            match intent_now.status {
                IntentStatus::Canceled => return Ok(Reversal::Voided),
                IntentStatus::Succeeded => return self.refund_rest(order_id, intent_now).await,
                _ => {}
            }
            match self.cancel(intent).await {
                Ok(_) => return Ok(Reversal::Voided),
                // Another request was faster, or the intent is between two states.
                Err(error) if error.is_bad_request() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(GatewayError::Unknown("the intent can be neither canceled nor refunded yet".to_owned()))
    }

    /// Refunds what is left of a charge. It reads every refund, because one that failed, even days later, returned no money.
    async fn refund_rest(&self, order_id: OrderId, intent: PaymentIntent) -> Result<Reversal, GatewayError> {
        let refunds = self.refunds(&intent.id).await?;
        if total(&refunds) < intent.amount {
            self.create_refund(order_id, &intent.id, refunds.len()).await?;
        }
        Ok(Reversal::Refunded { provider_id: intent.id })
    }

    /// Returns whether the refunds of an intent that succeeded or are pending return all of its money.
    pub(super) async fn is_refunded(&self, intent: &str) -> Result<bool, GatewayError> {
        let now = self.retrieve(intent).await?;
        Ok(total(&self.refunds(intent).await?) >= now.amount)
    }

    async fn refunds(&self, intent: &str) -> Result<Vec<Refund>, GatewayError> {
        let path = format!("refunds?payment_intent={intent}&limit=100");
        let page: Page<Refund> = self.client.get(&path).await.map_err(StripeError::without_effect)?;
        Ok(page.data)
    }

    /// Creates a refund for an intent that has `refunds_before` refunds. The request names no amount: Stripe then refunds
    /// what is left, and never more than was captured, however many requests arrive.
    async fn create_refund(
        &self,
        order_id: OrderId,
        intent: &str,
        refunds_before: usize,
    ) -> Result<(), GatewayError> {
        let form = [("payment_intent", intent.to_owned()), ("metadata[order_id]", order_id.to_string())];
        // After a failed refund another key is needed: under the same key Stripe would return the failed one.
        let key = format!("{order_id}:refund:{refunds_before}");
        match self.client.create::<Refund>("refunds", &form, &key).await {
            Ok(refund) if refund.is_effective() => Ok(()),
            Ok(_) => {
                Err(GatewayError::RefundFailed("Stripe created a refund that failed at once".to_owned()))
            }
            Err(error) => Err(match error.into() {
                GatewayError::Refused(reason) => GatewayError::RefundFailed(reason),
                other => other,
            }),
        }
    }
}

/// Returns the amount that refunds return.
fn total(refunds: &[Refund]) -> i64 {
    refunds.iter().map(Refund::effective_amount).sum()
}
