//! A gateway behind a circuit breaker.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_circuit_breaker::{BreakerSettings, BreakerState, CircuitBreaker};
use orderflow_domain::{Money, OrderId};

use super::{Charge, ChargeRequest, GatewayError, PaymentGateway, Reversal};

/// The longest duration of a call. A call that has no answer by then may have taken effect.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A gateway behind a circuit breaker. While the breaker is open, calls return [`GatewayError::NotCalled`] and do not reach
/// the gateway.
///
/// The breaker counts the failures that the next order is likely to meet too: a gateway that is unavailable or busy, or
/// that does not answer in time. A lost answer counts neither as a failure nor as a success, because the cause may be one
/// customer's payment method. After the lost answer of a charge the caller looks the charge up, and that call counts.
pub struct GuardedGateway<G> {
    gateway: G,
    breaker: CircuitBreaker,
}

impl<G: PaymentGateway> GuardedGateway<G> {
    /// Puts a gateway behind a circuit breaker of its own, which is closed.
    pub fn new(gateway: G) -> Self {
        Self { gateway, breaker: CircuitBreaker::new("payment-gateway", BreakerSettings::default()) }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, GatewayError>>) -> Result<T, GatewayError> {
        let permit = self.breaker.permit().map_err(|open| GatewayError::NotCalled {
            cause: "the circuit breaker is open",
            retry_after: open.retry_after,
        })?;
        let Ok(answer) = tokio::time::timeout(TIME_LIMIT, call).await else {
            permit.failed();
            let reason = format!("no answer within {} s", TIME_LIMIT.as_secs());
            return Err(GatewayError::Unknown(reason));
        };
        match &answer {
            Ok(_) | Err(GatewayError::RefundFailed(_) | GatewayError::Refused(_)) => permit.succeeded(),
            Err(GatewayError::Unavailable(_) | GatewayError::Busy { .. }) => permit.failed(),
            Err(GatewayError::Unknown(_) | GatewayError::NotCalled { .. }) => drop(permit),
        }
        answer
    }
}

#[async_trait]
impl<G: PaymentGateway> PaymentGateway for GuardedGateway<G> {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.call(self.gateway.charge(request)).await
    }

    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError> {
        self.call(self.gateway.reverse(order_id, amount)).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.call(self.gateway.find(order_id)).await
    }

    fn is_available(&self) -> bool {
        self.breaker.state() == BreakerState::Closed
    }
}
