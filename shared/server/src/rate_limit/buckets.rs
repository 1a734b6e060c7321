//! Token buckets in bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The most callers that have a bucket of their own. Others share one.
const MOST_CALLERS: usize = 65_536;

/// The shortest time between two searches for full buckets.
const SWEEP: Duration = Duration::from_secs(1);

/// How many requests are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Per second, in the long run.
    pub(crate) per_second: u32,
    /// At once.
    pub(crate) burst: u32,
}

impl Rate {
    /// The time in which a bucket gains one token.
    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second
    }

    /// The time in which an empty bucket becomes full.
    fn span(self) -> Duration {
        self.interval() * self.burst
    }
}

/// What a caller has left after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// The time until the bucket is full.
    pub(crate) reset: Duration,
    /// The time until the next token, if this request found none.
    pub(crate) refused: Option<Duration>,
}

/// One bucket. It holds the time at which it is full.
#[derive(Debug, Clone, Copy)]
struct Bucket(Instant);

impl Bucket {
    /// Takes a token, if there is one.
    fn take(&mut self, rate: Rate, now: Instant) -> Standing {
        let full_after = self.0.saturating_duration_since(now);
        let after_this = full_after + rate.interval();
        let refused = after_this.checked_sub(rate.span()).filter(|wait| !wait.is_zero());
        let used = if refused.is_some() { full_after } else { after_this };
        self.0 = now + used;
        let left = rate.span().saturating_sub(used).as_nanos() / rate.interval().as_nanos().max(1);
        Standing {
            limit: rate.burst,
            remaining: u32::try_from(left).unwrap_or(rate.burst),
            reset: used,
            refused,
        }
    }
}

struct State {
    /// By the hash of the caller. Its keys are random for each process, so that no caller can choose with whom it shares a bucket.
    by_caller: HashMap<u64, Bucket>,
    /// For callers that come when every bucket is in use.
    shared: Bucket,
    swept: Instant,
}

/// A bucket for each caller.
pub(crate) struct Buckets {
    rate: Rate,
    hasher: RandomState,
    state: Mutex<State>,
}

impl Buckets {
    pub(crate) fn new(rate: Rate) -> Self {
        let now = Instant::now();
        let state = State { by_caller: HashMap::new(), shared: Bucket(now), swept: now };
        Self { rate, hasher: RandomState::new(), state: Mutex::new(state) }
    }

    /// Takes a token of this caller.
    pub(crate) fn take(&self, caller: &impl Hash) -> Standing {
        let (key, now) = (self.hasher.hash_one(caller), Instant::now());
        let mut state = self.state();
        if !state.by_caller.contains_key(&key) && state.by_caller.len() >= MOST_CALLERS {
            if now.saturating_duration_since(state.swept) >= SWEEP {
                // A full bucket is as good as none.
                state.by_caller.retain(|_, bucket| bucket.0 > now);
                state.swept = now;
            }
            if state.by_caller.len() >= MOST_CALLERS {
                return state.shared.take(self.rate, now);
            }
        }
        state.by_caller.entry(key).or_insert(Bucket(now)).take(self.rate, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No holder of the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[tokio::test(start_paused = true)]
    async fn a_caller_has_a_burst_and_then_the_rate() {
        let buckets = Buckets::new(RATE);
        for remaining in [2, 1, 0] {
            let standing = buckets.take(&"a");
            assert_eq!((standing.limit, standing.remaining, standing.refused), (3, remaining, None));
        }
        let refused = buckets.take(&"a");
        assert_eq!(refused.refused, Some(Duration::from_millis(100)));
        assert_eq!((refused.remaining, refused.reset), (0, Duration::from_millis(300)));
        assert_eq!(buckets.take(&"b").remaining, 2);
        let mut allowed = 0;
        for _ in 0..1000 {
            tokio::time::advance(Duration::from_millis(10)).await;
            allowed += u32::from(buckets.take(&"a").refused.is_none());
        }
        assert_eq!(allowed, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_full_buckets_make_room() {
        let buckets = Buckets::new(RATE);
        for caller in 0..MOST_CALLERS {
            buckets.take(&caller);
        }
        tokio::time::advance(Duration::from_millis(50)).await;
        let others: Vec<_> = (0..5).map(|caller| buckets.take(&(MOST_CALLERS + caller)).refused).collect();
        assert_eq!(others.iter().filter(|refused| refused.is_some()).count(), 2, "they share a bucket");
        assert_eq!(buckets.state().by_caller.len(), MOST_CALLERS);
        tokio::time::advance(SWEEP).await;
        assert_eq!(buckets.take(&"late").remaining, 2);
        assert_eq!(buckets.state().by_caller.len(), 1);
    }
}
