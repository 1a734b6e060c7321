//! Limits the share of retries among the calls of a gateway.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId};
use tower::retry::budget::{Budget, TpsBudget};

use super::{Charge, ChargeRequest, GatewayError, PaymentGateway, Reversal};

/// How long a first attempt adds to the budget.
const WINDOW: Duration = Duration::from_secs(10);

/// Retries per second that are admitted in any case, so that retries finish when there are no first attempts.
const RESERVE_PER_SECOND: u32 = 100;

/// Retries that are admitted for each first attempt.
const RETRIES_PER_FIRST_ATTEMPT: f32 = 0.2;

/// The delay of a retry that is not admitted.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A retry budget. It protects a gateway that fails so rarely that no circuit breaker opens from being overloaded by retries.
pub(crate) struct RetryBudget(TpsBudget);

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self(TpsBudget::new(WINDOW, RESERVE_PER_SECOND, RETRIES_PER_FIRST_ATTEMPT))
    }

    /// Returns the gateway for a delivery with this attempt number, starting at 1.
    pub(crate) fn for_attempt<'a>(
        &'a self,
        attempt: u32,
        gateway: &'a dyn PaymentGateway,
    ) -> BudgetedGateway<'a> {
        BudgetedGateway { gateway, budget: self, attempt, admitted: AtomicBool::new(false) }
    }

    fn admits(&self, attempt: u32) -> bool {
        if attempt > 1 {
            return self.0.withdraw();
        }
        self.0.deposit();
        true
    }
}

/// A gateway for one delivery, which is called if the budget admits the delivery.
pub(crate) struct BudgetedGateway<'a> {
    gateway: &'a dyn PaymentGateway,
    budget: &'a RetryBudget,
    attempt: u32,
    /// Whether the budget has admitted the delivery, which may need several calls.
    admitted: AtomicBool,
}

impl BudgetedGateway<'_> {
    fn admit(&self) -> Result<(), GatewayError> {
        if self.admitted.load(Ordering::Relaxed) || self.budget.admits(self.attempt) {
            self.admitted.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(GatewayError::NotCalled { cause: "the retry budget is used up", retry_after: RETRY_AFTER })
    }
}

#[async_trait]
impl PaymentGateway for BudgetedGateway<'_> {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.admit()?;
        self.gateway.charge(request).await
    }

    async fn reverse(&self, order_id: OrderId, amount: &Money) -> Result<Reversal, GatewayError> {
        self.admit()?;
        self.gateway.reverse(order_id, amount).await
    }

    async fn find(&self, order_id: OrderId) -> Result<Option<Charge>, GatewayError> {
        self.admit()?;
        self.gateway.find(order_id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn retries_get_the_reserve_and_a_share_of_first_attempts() {
        let budget = RetryBudget::new();
        let admitted = |retries: u32| (0..retries).filter(|_| budget.admits(2)).count();
        assert_eq!(admitted(2_000), 1_000, "the reserve of the window");
        for _ in 0..100 {
            assert!(budget.admits(1));
        }
        assert_eq!(admitted(2_000), 20);
        tokio::time::advance(WINDOW * 2).await;
        assert_eq!(admitted(2_000), 1_000, "another window");
    }
}
