//! How much of what the gateway is asked may be repeats.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use orderflow_domain::{Money, OrderId};
use tower::retry::budget::{Budget, TpsBudget};

use crate::gateway::{Charge, ChargeRequest, GatewayError, PaymentGateway, Undone};

/// How long a first attempt is remembered.
const WINDOW: Duration = Duration::from_secs(10);

/// Repeats that are let through in any case, for each second: whatever is open gets its turn.
const RESERVE_PER_SECOND: u32 = 100;

/// Repeats for each first attempt.
const SHARE: f32 = 0.2;

/// When a repeat that was not let through may come again.
const PUT_OFF: Duration = Duration::from_secs(2);

/// Keeps repeats a small part of what a gateway is asked: one that answers only now and then, so that no breaker opens, is not brought down
/// by everybody asking again.
pub(crate) struct RetryBudget(TpsBudget);

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self(TpsBudget::new(WINDOW, RESERVE_PER_SECOND, SHARE))
    }

    /// The gateway for a delivery that comes for the how manieth time.
    pub(crate) fn for_attempt<'a>(&'a self, attempt: u32, gateway: &'a dyn PaymentGateway) -> Budgeted<'a> {
        Budgeted { gateway, budget: self, attempt, admitted: AtomicBool::new(false) }
    }

    fn admits(&self, attempt: u32) -> bool {
        if attempt > 1 {
            return self.0.withdraw();
        }
        self.0.deposit();
        true
    }
}

/// A gateway that is asked by a delivery when the budget lets it.
pub(crate) struct Budgeted<'a> {
    gateway: &'a dyn PaymentGateway,
    budget: &'a RetryBudget,
    attempt: u32,
    /// One delivery may need several calls.
    admitted: AtomicBool,
}

impl Budgeted<'_> {
    fn admit(&self) -> Result<(), GatewayError> {
        if self.admitted.load(Ordering::Relaxed) || self.budget.admits(self.attempt) {
            self.admitted.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(GatewayError::Open { retry_after: PUT_OFF })
    }
}

#[async_trait]
impl PaymentGateway for Budgeted<'_> {
    async fn charge(&self, request: &ChargeRequest) -> Result<Charge, GatewayError> {
        self.admit()?;
        self.gateway.charge(request).await
    }

    async fn undo(&self, order_id: OrderId, amount: &Money) -> Result<Undone, GatewayError> {
        self.admit()?;
        self.gateway.undo(order_id, amount).await
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
    async fn repeats_get_the_reserve_and_a_share_of_first_attempts() {
        let budget = RetryBudget::new();
        let granted = |attempts: u32| (0..attempts).filter(|_| budget.admits(2)).count();
        assert_eq!(granted(2_000), 1_000, "the reserve of the window");
        for _ in 0..100 {
            assert!(budget.admits(1));
        }
        assert_eq!(granted(2_000), 20);
        tokio::time::advance(WINDOW * 2).await;
        assert_eq!(granted(2_000), 1_000, "another window");
    }
}
