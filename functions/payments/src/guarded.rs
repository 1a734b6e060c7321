//! A gateway that is left alone while it is out of order.

use std::time::Duration;

use async_trait::async_trait;
use orderflow_circuit_breaker::{BreakerSettings, CircuitBreaker};
use orderflow_domain::{Money, OrderId};

use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Undone};

/// How long a call may take. What is not answered by then may have happened all the same.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A gateway behind a circuit breaker. While that is open, calls are answered [`GatewayError::Open`] and the gateway hears nothing of
/// them.
///
/// What counts as a failure is what the next order is likely to meet as well: a gateway that is unavailable or busy, and one that does not answer in time.
/// A lost answer counts neither way, since it may be the fault of one customer's means of payment; whoever loses that of a charge asks the
/// gateway what became of it, and that call counts.
pub struct GuardedGateway<G> {
    gateway: G,
    breaker: CircuitBreaker,
}

impl<G: PaymentGateway> GuardedGateway<G> {
    /// A gateway behind a breaker of its own, which is closed.
    pub fn new(gateway: G) -> Self {
        Self { gateway, breaker: CircuitBreaker::new("payment-gateway", BreakerSettings::default()) }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, GatewayError>>) -> Result<T, GatewayError> {
        let permit = self.breaker.permit()?;
        let Ok(answer) = tokio::time::timeout(TIME_LIMIT, call).await else {
            permit.failed();
            let reason = format!("nothing came within {} s", TIME_LIMIT.as_secs());
            return Err(GatewayError::Unknown(reason));
        };
        match &answer {
            Ok(_) | Err(GatewayError::RefundFailed(_) | GatewayError::Refused(_)) => permit.succeeded(),
            Err(GatewayError::Unavailable(_) | GatewayError::Busy { .. }) => permit.failed(),
            Err(GatewayError::Unknown(_) | GatewayError::Open { .. }) => drop(permit),
        }
        answer
    }
}

#[async_trait]
impl<G: PaymentGateway> PaymentGateway for GuardedGateway<G> {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.call(self.gateway.charge(request)).await
    }

    async fn undo(&self, order_id: OrderId, amount: &Money) -> Result<Undone, GatewayError> {
        self.call(self.gateway.undo(order_id, amount)).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.call(self.gateway.find(order_id)).await
    }
}
