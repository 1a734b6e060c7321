//! A function behind a circuit breaker.

use async_trait::async_trait;
use orderflow_circuit_breaker::{BreakerSettings, CircuitBreaker};
use orderflow_messaging::{Target, TargetError};

/// A function behind a circuit breaker. While the breaker is open, the function counts as unreachable and is not invoked.
///
/// A failed invocation counts toward the breaker like an unreachable function: a faulty deployment must not use up the attempts of every pending
/// message.
pub struct GuardedTarget<T> {
    target: T,
    breaker: CircuitBreaker,
}

impl<T: Target> GuardedTarget<T> {
    /// Puts a function behind a closed breaker of this name.
    pub fn new(target: T, breaker: impl Into<String>) -> Self {
        Self { target, breaker: CircuitBreaker::new(breaker, BreakerSettings::default()) }
    }
}

#[async_trait]
impl<T: Target> Target for GuardedTarget<T> {
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
        let permit = self.breaker.permit().map_err(|open| TargetError::Unreachable(open.to_string()))?;
        let answer = self.target.invoke(payload).await;
        match &answer {
            Ok(_) => permit.succeeded(),
            Err(_) => permit.failed(),
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Away(AtomicUsize);

    #[async_trait]
    impl Target for Away {
        async fn invoke(&self, _payload: Vec<u8>) -> Result<Vec<u8>, TargetError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err(TargetError::Unreachable("connection refused".to_owned()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_function_is_not_invoked_while_the_breaker_is_open() {
        let function = GuardedTarget::new(Away::default(), "function-payment");
        for _ in 0..50 {
            assert!(matches!(function.invoke(Vec::new()).await, Err(TargetError::Unreachable(_))));
        }
        assert_eq!(function.target.0.load(Ordering::Relaxed), 5);
    }
}
