//! The attempts of a message, and the retry policy: the delay before each retry, and the last attempt.

use std::time::Duration;

use orderflow_backoff::Backoff;
use orderflow_domain::Timestamp;
use orderflow_settings::Reader;
use orderflow_settings::declared::{MAX_ATTEMPTS, RETRY_BASE_MS, RETRY_CAP_MS};

/// No delivery is dead-lettered for its attempts sooner than this after the first one.
const MIN_AGE: Duration = Duration::from_secs(600);

/// Poison isolation: a message is delivered alone from this delivery on, because it can be what ended the process in its earlier deliveries. One number
/// for every broker.
pub const ISOLATED_FROM_DELIVERY: u32 = 4;

/// Returns whether a message that was delivered `before` times before is isolated in its present delivery.
pub const fn is_isolated(before: u32) -> bool {
    before.saturating_add(1) >= ISOLATED_FROM_DELIVERY
}

/// The number of attempts made of a message so far, and the time of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptHistory {
    /// The number of attempts.
    pub attempts: u32,
    /// The time of the first attempt.
    pub first_at: Timestamp,
}

impl AttemptHistory {
    /// Returns the history with one attempt more.
    #[must_use]
    pub fn with_next_attempt(self) -> Self {
        Self { attempts: self.attempts.saturating_add(1), ..self }
    }
}

/// Exponential backoff with jitter, for a limited number of attempts and a minimum age. A delay is drawn between half of the base and a limit that
/// is the base after the first attempt and doubles with each further one, up to the cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The number of attempts before a message can be given up (`ORDERFLOW_MAX_ATTEMPTS`).
    pub max_attempts: u32,
    /// The minimum time between a message's first attempt and giving it up.
    pub min_age: Duration,
    /// The longest delay after the first attempt (`ORDERFLOW_RETRY_BASE_MS`). It doubles with each attempt.
    pub base: Duration,
    /// The upper limit of every delay (`ORDERFLOW_RETRY_CAP_MS`). The visibility timeout of SQS can be 12 hours at most.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        orderflow_settings::defaults(Self::read)
    }
}

impl RetryPolicy {
    /// Reads `ORDERFLOW_MAX_ATTEMPTS`, `ORDERFLOW_RETRY_BASE_MS` and `ORDERFLOW_RETRY_CAP_MS`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            max_attempts: reader.whole_number(&MAX_ATTEMPTS),
            min_age: MIN_AGE,
            base: reader.milliseconds(&RETRY_BASE_MS),
            cap: reader.milliseconds(&RETRY_CAP_MS),
        }
    }

    /// Returns whether attempt number `attempt` of a message first tried at `first_at` is the last.
    pub fn is_last(&self, attempt: u32, first_at: Timestamp, now: Timestamp) -> bool {
        attempt >= self.max_attempts && now.since(first_at) >= self.min_age
    }

    /// Draws the delay after attempt number `attempt`: between half of the base and the base doubled with each attempt after the first, at most the cap.
    pub fn delay(&self, attempt: u32) -> Duration {
        self.delay_within(attempt, Duration::MAX)
    }

    /// Draws the delay after attempt number `attempt` as [`delay`](Self::delay) does, but at most `longest`.
    pub(crate) fn delay_within(&self, attempt: u32, longest: Duration) -> Duration {
        Backoff { cap: self.cap.min(longest), ..self.backoff() }.delay(attempt)
    }

    fn backoff(&self) -> Backoff {
        Backoff { floor: self.base / 2, base: self.base, cap: self.cap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn h20_no_delay_is_above_the_cap_or_below_the_floor(attempt in 0_u32..u32::MAX) {
            let policy = RetryPolicy::default();
            let delay = policy.delay(attempt);
            prop_assert!(delay <= policy.cap);
            prop_assert!(delay >= policy.base / 2);
            prop_assert!(policy.cap <= Duration::from_secs(15 * 60), "SQS accepts no longer delay of a new message");
        }
    }

    #[test]
    fn the_longest_delay_doubles_up_to_the_cap() {
        let policy = RetryPolicy::default();
        let longest = |attempt| policy.backoff().longest_delay(attempt).as_millis();
        let first: Vec<u128> = (1..=12).map(longest).collect();
        let doubled = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 120_000, 120_000];
        assert_eq!(first, doubled);
        assert_eq!(longest(u32::MAX), 120_000);
        for attempt in 1..=12 {
            let drawn: Vec<Duration> = (0..1_000).map(|_| policy.delay(attempt)).collect();
            let half = policy.backoff().longest_delay(attempt) / 2;
            assert!(drawn.iter().any(|delay| *delay > half), "{attempt}: none of the longer half is drawn");
            assert!(drawn.iter().all(|delay| *delay <= policy.backoff().longest_delay(attempt)), "{attempt}");
        }
    }
}
