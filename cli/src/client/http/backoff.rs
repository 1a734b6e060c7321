//! How long to wait between retries, and between polls.

use std::time::Duration;

use orderflow_backoff::jitter;

/// Exponential backoff: waits that double up to a cap.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    next: Duration,
    cap: Duration,
}

impl Backoff {
    /// Starts with a wait of `first`; no wait is longer than `cap`.
    pub(crate) fn new(first: Duration, cap: Duration) -> Self {
        Self { first, next: first, cap }
    }

    /// Returns the next wait.
    pub(crate) fn step(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.cap);
        wait
    }

    /// Starts again with the first wait.
    pub(crate) fn restart(&mut self) {
        self.next = self.first;
    }
}

/// Returns a random time between half of the wait and all of it, so that callers that failed together do not retry together.
pub(crate) fn jittered(wait: Duration) -> Duration {
    jitter(wait / 2..=wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let waits: Vec<_> = (0..6).map(|_| backoff.step().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
        backoff.restart();
        assert_eq!(backoff.step().as_millis(), 100);
    }

    #[test]
    fn jitter_stays_within_the_wait() {
        let wait = Duration::from_millis(100);
        for _ in 0..100 {
            let some = jittered(wait);
            assert!(some >= wait / 2 && some <= wait, "{some:?}");
        }
    }
}
