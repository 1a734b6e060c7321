//! Undoing the charge of an intent.

use orderflow_domain::OrderId;

use super::StripeGateway;
use super::failure::StripeError;
use super::objects::{IntentStatus, Page, PaymentIntent, Refund};
use crate::gateway::{GatewayError, Undone};

/// How often an intent is called off anew when its state changed meanwhile.
const ROUNDS: usize = 3;

impl StripeGateway {
    /// Cancels an intent, or gives back what it took.
    pub(super) async fn call_off(&self, order_id: OrderId, intent: &str) -> Result<Undone, GatewayError> {
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

    /// Refunds what is left of a charge. Each refund is looked at: one that failed, be it days later, gave nothing back.
    async fn give_back(&self, order_id: OrderId, intent: PaymentIntent) -> Result<Undone, GatewayError> {
        let path = format!("refunds?payment_intent={}&limit=100", intent.id);
        let refunds: Page<Refund> = self.client.get(&path).await.map_err(StripeError::without_effect)?;
        let given_back: i64 = refunds.data.iter().map(Refund::amount_in_force).sum();
        if given_back < intent.amount {
            self.refund(order_id, &intent.id, refunds.data.len()).await?;
        }
        Ok(Undone::Refunded { provider_id: intent.id })
    }

    /// Makes another refund, after so many. It names no amount: Stripe gives back what is left, and no more than was taken,
    /// however many ask.
    async fn refund(&self, order_id: OrderId, intent: &str, before: usize) -> Result<(), GatewayError> {
        let form = [("payment_intent", intent.to_owned()), ("metadata[order_id]", order_id.to_string())];
        // One that failed needs another key: Stripe would answer with the failed one again.
        let key = format!("{order_id}:refund:{before}");
        match self.client.create::<Refund>("refunds", &form, &key).await {
            Ok(refund) if refund.is_in_force() => Ok(()),
            Ok(_) => Err(GatewayError::RefundFailed("it came back".to_owned())),
            Err(error) => Err(match error.into() {
                GatewayError::Refused(reason) => GatewayError::RefundFailed(reason),
                other => other,
            }),
        }
    }
}
