//! The interface of payment providers, and what stands between the consumer and a provider: a circuit breaker and a retry
//! budget.

mod guarded;
mod retry_budget;

use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId, PaymentToken};

pub use guarded::GuardedGateway;
pub(crate) use retry_budget::RetryBudget;

/// A payment provider. Both calls that move money are idempotent under the order's id: however often, in whatever sequence
/// and from however many processes they arrive, an order is charged at most once and refunded at most once.
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Authorises and captures the payment of an order. For an order that was charged before, returns the result of that
    /// charge.
    ///
    /// # Errors
    /// [`GatewayError::Unknown`] if the money may have been captured all the same.
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError>;

    /// Makes sure that an order is not charged: refunds what was captured, or reserves the order's key so that a charge
    /// that arrives later returns [`Charge::Reversed`]. An implementation cannot rely on finding no charge, because one
    /// may still be on its way to the provider.
    ///
    /// # Errors
    /// [`GatewayError`] if the order may still be charged.
    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError>;

    /// Looks up the result of an order's charge. Returns `None` if the provider has received none.
    ///
    /// # Errors
    /// [`GatewayError`] if the provider does not answer.
    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError>;

    /// Returns whether the gateway is called: false while its circuit breaker is not closed.
    fn is_available(&self) -> bool {
        true
    }
}

/// A request to charge an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeRequest {
    /// The order that is charged, and the idempotency key.
    pub order_id: OrderId,
    /// The amount to capture.
    pub amount: Money,
    /// The provider's token for the customer's payment method.
    pub token: Option<PaymentToken>,
}

/// The result of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// The money was captured.
    Captured {
        /// The provider's id of the charge.
        provider_id: String,
    },
    /// The provider declined the charge, and will not capture it later.
    Declined {
        /// The reason, as a stable code.
        reason: String,
    },
    /// The order's payment was reversed: nothing was captured, or it was refunded.
    Reversed,
}

/// The result of a reversal: why the order has no charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reversal {
    /// Nothing had been captured, and nothing will be.
    Voided,
    /// The captured money was refunded.
    Refunded {
        /// The provider's id of the refunded charge.
        provider_id: String,
    },
}

/// A call of the gateway that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// The request was sent, and its outcome is not known.
    #[error("the outcome at the payment provider is unknown: {0}")]
    Unknown(String),
    /// The provider did not process the request.
    #[error("the payment provider is unavailable: {0}")]
    Unavailable(String),
    /// The provider did not process the request, and says when to send it again (`Retry-After`).
    #[error("the payment provider is busy; it accepts requests again in {} s", retry_after.as_secs())]
    Busy {
        /// The delay that the provider asks for.
        retry_after: Duration,
    },
    /// The provider will never process this request.
    #[error("the payment provider refuses the request: {0}")]
    Refused(String),
    /// The provider refuses the refund at present.
    #[error("the refund failed: {0}")]
    RefundFailed(String),
    /// The gateway was not called.
    #[error("the payment provider was not called: {cause}; next attempt in {} ms", retry_after.as_millis())]
    NotCalled {
        /// Why the gateway was not called.
        cause: &'static str,
        /// The time until the gateway can be called.
        retry_after: Duration,
    },
}

impl GatewayError {
    /// The provider voids a charge that the payment's row says was captured, so it does not know that charge: another
    /// provider made it.
    pub(crate) fn charge_not_found() -> Self {
        Self::Refused(
            "it does not know the charge; check that PAYMENT_PROVIDER names the provider that made it"
                .to_owned(),
        )
    }
}
