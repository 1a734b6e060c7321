//! A circuit breaker: stops calls to a dependency that keeps failing, and tries it again after a pause.
//!
//! <https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker> describes the pattern.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orderflow_backoff::{Backoff, jitter};
use tokio::time::Instant;

/// The thresholds and pauses of a breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Consecutive failures that open the breaker. Zero counts as one.
    pub failures: u32,
    /// The first pause. It doubles each time the probe fails.
    pub pause: Duration,
    /// The longest pause. A caller that it delays, with half as long again as jitter, has to go on soon after the dependency is back.
    pub max_pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(1), max_pause: Duration::from_secs(20) }
    }
}

/// The state of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls are permitted.
    Closed,
    /// The pause is over. One call at a time, the probe, is permitted.
    HalfOpen,
    /// No call is permitted.
    Open,
}

/// The breaker permits no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("circuit breaker is open; next attempt in {} ms", retry_after.as_millis())]
pub struct Open {
    /// The time until the breaker may permit a call. Many callers can get the same value, so a caller that delays work by it adds jitter.
    pub retry_after: Duration,
}

/// Protects calls to a dependency. A caller asks for a [`Permit`] before each call and reports the result to it.
///
/// Consecutive failures open the breaker, which then permits no call. After a pause the breaker is half-open and permits one call, the
/// probe: a success closes the breaker; a failure opens it again for twice the pause, up to a limit. Pauses are jittered, so that many
/// processes do not all call a recovering dependency at the same moment.
#[derive(Debug)]
pub struct CircuitBreaker {
    name: String,
    settings: BreakerSettings,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    phase: Phase,
    /// Grows with each transition. Results of calls permitted in an earlier generation are ignored: they say nothing about the present state.
    generation: u64,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed {
        /// Consecutive.
        failures: u32,
    },
    Open {
        until: Instant,
        /// Consecutive, this one included.
        pauses: u32,
    },
    HalfOpen {
        probing: bool,
        /// Consecutive.
        pauses: u32,
    },
}

impl Phase {
    fn state(self) -> BreakerState {
        match self {
            Self::Closed { .. } => BreakerState::Closed,
            Self::Open { .. } => BreakerState::Open,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}

impl CircuitBreaker {
    /// Creates a closed breaker. `name` identifies it in logs and metrics.
    pub fn new(name: impl Into<String>, settings: BreakerSettings) -> Self {
        let inner = Inner { phase: Phase::Closed { failures: 0 }, generation: 0 };
        let breaker = Self { name: name.into(), settings, inner: Mutex::new(inner) };
        breaker.show(BreakerState::Closed);
        breaker
    }

    /// Returns the state. An open breaker whose pause is over stays `Open` until the next call.
    pub fn state(&self) -> BreakerState {
        self.lock().phase.state()
    }

    /// Returns the time for which [`permit`](Self::permit) would refuse a call; `None` if it would permit one.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.lock().phase {
            Phase::Closed { .. } | Phase::HalfOpen { probing: false, .. } => None,
            Phase::Open { until, .. } => {
                Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
            }
            Phase::HalfOpen { probing: true, .. } => Some(self.settings.pause),
        }
    }

    /// Permits a call, or refuses it.
    ///
    /// # Errors
    /// [`Open`] while no call is permitted, also while another call is the probe.
    pub fn permit(&self) -> Result<Permit<'_>, Open> {
        let mut inner = self.lock();
        match inner.phase {
            Phase::Closed { .. } => {}
            Phase::Open { until, pauses } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(Open { retry_after: left });
                }
                self.enter(&mut inner, Phase::HalfOpen { probing: true, pauses });
            }
            // The duration of the probe is unknown; if it fails, the next pause is at least this long.
            Phase::HalfOpen { probing: true, .. } => {
                return Err(Open { retry_after: self.settings.pause });
            }
            Phase::HalfOpen { probing: false, pauses } => {
                inner.phase = Phase::HalfOpen { probing: true, pauses };
            }
        }
        Ok(Permit { breaker: self, generation: inner.generation })
    }

    fn succeeded(&self, generation: u64) {
        let mut inner = self.lock();
        if inner.generation != generation {
            return;
        }
        match inner.phase {
            Phase::Closed { .. } => inner.phase = Phase::Closed { failures: 0 },
            Phase::HalfOpen { .. } => self.enter(&mut inner, Phase::Closed { failures: 0 }),
            Phase::Open { .. } => {}
        }
    }

    fn failed(&self, generation: u64) {
        let mut inner = self.lock();
        if inner.generation != generation {
            return;
        }
        match inner.phase {
            Phase::Closed { failures } if failures + 1 < self.settings.failures => {
                inner.phase = Phase::Closed { failures: failures + 1 };
            }
            Phase::Closed { .. } => self.open(&mut inner, 1),
            Phase::HalfOpen { pauses, .. } => self.open(&mut inner, pauses.saturating_add(1)),
            Phase::Open { .. } => {}
        }
    }

    /// Ends a call without a result, so that another call can be the probe.
    fn abandoned(&self, generation: u64) {
        let mut inner = self.lock();
        if inner.generation == generation
            && let Phase::HalfOpen { pauses, .. } = inner.phase
        {
            inner.phase = Phase::HalfOpen { probing: false, pauses };
        }
    }

    fn open(&self, inner: &mut Inner, pauses: u32) {
        let until = Instant::now() + self.pause(pauses);
        self.enter(inner, Phase::Open { until, pauses });
    }

    /// Returns the jittered pause: between half of the doubled pause and all of it.
    fn pause(&self, pauses: u32) -> Duration {
        let BreakerSettings { pause: base, max_pause: cap, .. } = self.settings;
        let longest = Backoff { floor: base / 2, base, cap }.longest_delay(pauses);
        jitter(longest / 2..=longest)
    }

    /// Changes the state. Logs and counts the transition under the lock, so that logs and metrics show transitions in order.
    fn enter(&self, inner: &mut Inner, phase: Phase) {
        inner.phase = phase;
        inner.generation += 1;
        let (breaker, state) = (&self.name, phase.state());
        match phase {
            Phase::Closed { .. } => {
                tracing::info!(breaker, "circuit breaker closed")
            }
            Phase::HalfOpen { .. } => {
                tracing::debug!(breaker, "circuit breaker half-open")
            }
            Phase::Open { until, pauses } => {
                let pause_ms = until.saturating_duration_since(Instant::now()).as_millis();
                // While a dependency is down, each failed probe opens the breaker again, which is no news.
                match pauses {
                    1 => tracing::warn!(breaker, pause_ms, "circuit breaker opened"),
                    _ => tracing::debug!(breaker, pause_ms, pauses, "circuit breaker opened again"),
                }
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
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
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

/// Permission to make one call. Dropping it without a result, as a cancelled call does, counts as neither success nor failure.
#[must_use = "the breaker needs the result of each call that it permits"]
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    generation: u64,
}

impl Permit<'_> {
    /// Reports that the call succeeded.
    pub fn succeeded(self) {
        self.breaker.succeeded(self.generation);
    }

    /// Reports that the call failed for a reason that is likely to affect the next call as well.
    pub fn failed(self) {
        self.breaker.failed(self.generation);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.breaker.abandoned(self.generation);
    }
}

#[cfg(test)]
mod tests;
