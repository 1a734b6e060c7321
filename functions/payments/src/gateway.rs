//! What moves the money.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_circuit_breaker::Open;
use orderflow_domain::{Money, OrderId, PaymentToken};

/// A payment provider. Both calls that change something are idempotent under the order's id: however often, in
/// whatever order and from however many processes they come, an order is charged at most once and given back at most
/// once.
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Takes the money for an order, or tells again what became of its charge.
    ///
    /// # Errors
    /// [`GatewayError::Unknown`] where the money may have been taken all the same.
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError>;

    /// Makes sure that an order is not charged: gives back what was taken, or claims the order's key so that a
    /// charge that arrives later is answered with [`Charge::CalledOff`]. That no charge can be found proves nothing: it may
    /// be on its way.
    ///
    /// # Errors
    /// [`GatewayError`] where it is not certain that the order is without charge.
    async fn undo(&self, order_id: OrderId, amount: &Money) -> Result<Undone, GatewayError>;

    /// What became of an order's charge; none where nothing has reached the gateway.
    ///
    /// # Errors
    /// [`GatewayError`] where the gateway does not answer.
    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError>;
}

/// A charge that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeRequest {
    /// Whose charge it is: the idempotency key.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// What the gateway knows the customer's means of payment by.
    pub token: Option<PaymentToken>,
}

/// What became of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// The money is taken.
    Captured {
        /// The gateway's id of the charge.
        provider_id: String,
    },
    /// The gateway said no, for good.
    Declined {
        /// Why, as a stable code.
        reason: String,
    },
    /// The order was called off: nothing is taken, or it was given back.
    CalledOff,
}

/// How an order came to be without charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// Nothing had been taken, and nothing will be.
    Voided,
    /// What had been taken was given back.
    Refunded {
        /// The gateway's id of the charge that was given back.
        provider_id: String,
    },
}

/// A call that did not go through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// The answer was lost: what was asked for may have happened.
    #[error("the gateway's answer was lost: {0}")]
    Unknown(String),
    /// The gateway took nothing in.
    #[error("the gateway is unavailable: {0}")]
    Unavailable(String),
    /// The gateway took nothing in, and says when it may be asked again.
    #[error("the gateway wants to be asked again in {} s", retry_after.as_secs())]
    Busy {
        /// When.
        retry_after: Duration,
    },
    /// The gateway will never take this request.
    #[error("the gateway refuses what it is asked: {0}")]
    Refused(String),
    /// The gateway refuses to give the money back, for now.
    #[error("the refund failed: {0}")]
    RefundFailed(String),
    /// The gateway was not asked: it failed too often, or is asked the same too often, and is left alone for a while.
    #[error("the gateway is left alone for another {} ms", retry_after.as_millis())]
    Open {
        /// When it may be asked again.
        retry_after: Duration,
    },
}

impl GatewayError {
    /// A gateway that calls a charge off which was made is another one than that which made it.
    pub(crate) fn unknown_charge() -> Self {
        Self::Refused(
            "it does not know of the charge that was made: is it the provider that made it?".to_owned(),
        )
    }
}

impl From<Open> for GatewayError {
    fn from(open: Open) -> Self {
        Self::Open { retry_after: open.retry_after }
    }
}
