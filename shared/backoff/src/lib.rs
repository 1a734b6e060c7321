//! Exponential backoff with jitter, and outages that are reported once, in one place for everything that tries again.
//!
//! Jitter keeps callers that failed together from coming back together (AWS Builders' Library, "Timeouts, retries, and backoff with
//! jitter").

mod outage;
mod repeats;

use std::ops::RangeInclusive;
use std::time::Duration;

pub use outage::{Outage, OutageObserver};
pub use repeats::{Ended, Repeats};

/// The least time over which [`spread`] distributes callers.
const SPREAD_MIN: Duration = Duration::from_millis(500);

/// Delays that are drawn at random between a floor and a limit; the limit doubles with each failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The shortest delay, as far as the limit allows it.
    pub floor: Duration,
    /// The limit after the first failure.
    pub base: Duration,
    /// The largest limit.
    pub cap: Duration,
}

impl Backoff {
    /// Returns a backoff with these delays in milliseconds.
    pub const fn from_millis(floor: u64, base: u64, cap: u64) -> Self {
        Self {
            floor: Duration::from_millis(floor),
            base: Duration::from_millis(base),
            cap: Duration::from_millis(cap),
        }
    }

    /// Returns the longest delay after this many failures in a row: `base`, doubled with each failure after the first, at most `cap`.
    pub fn longest_delay(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// Draws the delay after this many failures in a row.
    pub fn delay(&self, failures: u32) -> Duration {
        let longest = self.longest_delay(failures);
        jitter(self.floor.min(longest)..=longest)
    }

    /// Returns at most `max` attempts with these delays between them.
    pub const fn attempts(self, max: u32) -> Attempts {
        Attempts { backoff: self, max, number: 0 }
    }
}

/// A limited number of attempts at something that may be overtaken, with a delay before each but the first:
///
/// ```
/// # use orderflow_backoff::Backoff;
/// # async fn try_once() -> Option<u32> { None }
/// # async fn run() -> Option<u32> {
/// let mut attempts = Backoff::from_millis(0, 4, 512).attempts(8);
/// while attempts.next().await {
///     if let Some(result) = try_once().await {
///         return Some(result);
///     }
/// }
/// None
/// # }
/// ```
#[derive(Debug)]
pub struct Attempts {
    backoff: Backoff,
    max: u32,
    number: u32,
}

impl Attempts {
    /// Waits until the next attempt is due. Returns `false` at once when there was the last one.
    pub async fn next(&mut self) -> bool {
        if self.number >= self.max {
            return false;
        }
        if self.number > 0 {
            tokio::time::sleep(self.backoff.delay(self.number)).await;
        }
        self.number += 1;
        true
    }

    /// Returns whether there is no attempt after the present one.
    pub fn is_last(&self) -> bool {
        self.number >= self.max
    }

    /// Returns the number of the present attempt, starting at 1.
    pub fn number(&self) -> u32 {
        self.number
    }
}

/// Draws a duration from a range.
pub fn jitter(range: RangeInclusive<Duration>) -> Duration {
    let width = range.end().saturating_sub(*range.start());
    *range.start() + width.mul_f64(fastrand::f64())
}

/// Draws a delay of at least `after`, spread over half as long again and over 500 ms at least, so that callers that were all told to
/// wait this long do not come back at the same time.
pub fn spread(after: Duration) -> Duration {
    jitter(after..=after + (after / 2).max(SPREAD_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff::from_millis(100, 200, 1_000);

    #[test]
    fn the_longest_delay_doubles_up_to_the_cap() {
        let longest: Vec<_> = (0..6).map(|failures| BACKOFF.longest_delay(failures).as_millis()).collect();
        assert_eq!(longest, [200, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(BACKOFF.longest_delay(u32::MAX), BACKOFF.cap);
    }

    #[test]
    fn delays_lie_between_the_floor_and_the_longest_delay() {
        for failures in 1..8 {
            for _ in 0..200 {
                let delay = BACKOFF.delay(failures);
                assert!((BACKOFF.floor..=BACKOFF.longest_delay(failures)).contains(&delay), "{delay:?}");
            }
        }
        let floor_above_limit = Backoff::from_millis(500, 10, 20);
        assert_eq!(floor_above_limit.delay(1), Duration::from_millis(10));
    }

    #[test]
    fn callers_that_were_told_to_wait_are_spread() {
        let after = Duration::from_secs(4);
        for (after, longest) in [(after, after + after / 2), (Duration::ZERO, SPREAD_MIN)] {
            let drawn: Vec<_> = (0..200).map(|_| spread(after)).collect();
            assert!(drawn.iter().all(|delay| (after..=longest).contains(delay)), "{drawn:?}");
            assert!(drawn.iter().any(|delay| *delay != drawn[0]), "all are {:?}", drawn[0]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_a_delay_between_two_attempts_and_none_around_them() {
        let start = tokio::time::Instant::now();
        let mut attempts = BACKOFF.attempts(3);
        assert!(attempts.next().await);
        assert_eq!((attempts.number(), start.elapsed()), (1, Duration::ZERO));
        assert!(attempts.next().await);
        let first = start.elapsed();
        assert!(first >= BACKOFF.floor, "{first:?}");
        assert!(attempts.next().await);
        assert!(start.elapsed() >= first + BACKOFF.floor);
        let last = start.elapsed();
        assert!(!attempts.next().await);
        assert_eq!((attempts.number(), start.elapsed()), (3, last));
    }
}
