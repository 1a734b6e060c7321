//! A circuit breaker: what keeps failing is left alone for a while instead of being asked again and again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it; at least one is needed, whatever this says.
    pub failures: u32,
    /// How long it stays open at first. Doubles each time the probe fails.
    pub pause: Duration,
    /// The longest that it stays open.
    pub max_pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(1), max_pause: Duration::from_secs(30) }
    }
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// The pause is over, and one call at a time shows how it is now.
    HalfOpen,
    /// No call goes through.
    Open,
}

/// The breaker lets no call through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it failed too often and is left alone for another {} ms", retry_after.as_millis())]
pub struct Open {
    /// When it may let the next one through. Many callers may be told the same, so whoever puts work off for so long spreads it.
    pub retry_after: Duration,
}

/// Stands in front of something that can be out of order. Each call asks for a [`Permit`] and says afterwards how it went.
///
/// A number of failures in a row opens it; nothing goes through then. After a pause it is half-open: one call goes through, and
/// closes it if it succeeds. If it fails the next pause is twice as long, up to a limit. Pauses are jittered, so that many processes do
/// not come back to what is just recovering in the same instant.
#[derive(Debug)]
pub struct CircuitBreaker {
    name: String,
    settings: BreakerSettings,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    standing: Standing,
    /// Changes with each transition. What was permitted before the last one says nothing about how things are now.
    era: u64,
}

#[derive(Debug, Clone, Copy)]
enum Standing {
    Closed {
        /// In a row.
        failures: u32,
    },
    Open {
        until: Instant,
        /// In a row, this one included.
        pauses: u32,
    },
    HalfOpen {
        probing: bool,
        /// In a row.
        pauses: u32,
    },
}

impl Standing {
    fn state(self) -> BreakerState {
        match self {
            Self::Closed { .. } => BreakerState::Closed,
            Self::Open { .. } => BreakerState::Open,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}

impl CircuitBreaker {
    /// A closed breaker. The name is what it is called in logs and metrics.
    pub fn new(name: impl Into<String>, settings: BreakerSettings) -> Self {
        let inner = Inner { standing: Standing::Closed { failures: 0 }, era: 0 };
        let breaker = Self { name: name.into(), settings, inner: Mutex::new(inner) };
        breaker.show(BreakerState::Closed);
        breaker
    }

    /// How it stands. That a pause is over shows with the next call.
    pub fn state(&self) -> BreakerState {
        self.lock().standing.state()
    }

    /// Lets a call through, or not.
    ///
    /// # Errors
    /// [`Open`] while calls are held back, also while another call is the probe.
    pub fn permit(&self) -> Result<Permit<'_>, Open> {
        let mut inner = self.lock();
        match inner.standing {
            Standing::Closed { .. } => {}
            Standing::Open { until, pauses } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(Open { retry_after: left });
                }
                self.enter(&mut inner, Standing::HalfOpen { probing: true, pauses });
            }
            // How long the probe takes is not known. If it fails the next pause is at least this long.
            Standing::HalfOpen { probing: true, .. } => {
                return Err(Open { retry_after: self.settings.pause });
            }
            Standing::HalfOpen { probing: false, pauses } => {
                inner.standing = Standing::HalfOpen { probing: true, pauses };
            }
        }
        Ok(Permit { breaker: self, era: inner.era })
    }

    fn succeeded(&self, era: u64) {
        let mut inner = self.lock();
        if inner.era != era {
            return;
        }
        match inner.standing {
            Standing::Closed { .. } => inner.standing = Standing::Closed { failures: 0 },
            Standing::HalfOpen { .. } => self.enter(&mut inner, Standing::Closed { failures: 0 }),
            Standing::Open { .. } => {}
        }
    }

    fn failed(&self, era: u64) {
        let mut inner = self.lock();
        if inner.era != era {
            return;
        }
        match inner.standing {
            Standing::Closed { failures } if failures + 1 < self.settings.failures => {
                inner.standing = Standing::Closed { failures: failures + 1 };
            }
            Standing::Closed { .. } => self.open(&mut inner, 1),
            Standing::HalfOpen { pauses, .. } => self.open(&mut inner, pauses.saturating_add(1)),
            Standing::Open { .. } => {}
        }
    }

    /// A call that never said how it went says nothing; another may be the probe.
    fn abandoned(&self, era: u64) {
        let mut inner = self.lock();
        if inner.era == era
            && let Standing::HalfOpen { pauses, .. } = inner.standing
        {
            inner.standing = Standing::HalfOpen { probing: false, pauses };
        }
    }

    fn open(&self, inner: &mut Inner, pauses: u32) {
        let until = Instant::now() + self.pause(pauses);
        self.enter(inner, Standing::Open { until, pauses });
    }

    /// Between half of the doubled-up pause and all of it.
    fn pause(&self, pauses: u32) -> Duration {
        let doublings = pauses.saturating_sub(1).min(30);
        let longest = self.settings.pause.saturating_mul(1 << doublings).min(self.settings.max_pause);
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Goes to another state, and says so before anybody can act on it, so that logs and metrics show transitions in their order.
    fn enter(&self, inner: &mut Inner, standing: Standing) {
        inner.standing = standing;
        inner.era += 1;
        let (breaker, state) = (&self.name, standing.state());
        match standing {
            Standing::Closed { .. } => {
                tracing::info!(breaker, "the circuit breaker closes: calls go through again")
            }
            Standing::HalfOpen { .. } => {
                tracing::info!(breaker, "the circuit breaker half-opens: one call tries how it is")
            }
            Standing::Open { until, .. } => {
                let pause_ms = until.saturating_duration_since(Instant::now()).as_millis();
                tracing::warn!(breaker, pause_ms, "the circuit breaker opens: calls are held back");
            }
        }
        self.show(state);
        metrics::counter!("circuit_breaker_transitions_total", "breaker" => self.name.clone(), "to" => label(state))
            .increment(1);
    }

    fn show(&self, state: BreakerState) {
        let number = match state {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        };
        metrics::gauge!("circuit_breaker_state", "breaker" => self.name.clone()).set(number);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics between two changes that belong together.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn label(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::HalfOpen => "half_open",
        BreakerState::Open => "open",
    }
}

/// A call that may be made. Dropped without an answer, as in a call that is cancelled, it counts neither way.
#[must_use = "a breaker learns from the answers of the calls that it permits"]
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    era: u64,
}

impl Permit<'_> {
    /// The call went through.
    pub fn succeeded(self) {
        self.breaker.succeeded(self.era);
    }

    /// The call did not go through, for a reason that the next one is likely to meet as well.
    pub fn failed(self) {
        self.breaker.failed(self.era);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.breaker.abandoned(self.era);
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
