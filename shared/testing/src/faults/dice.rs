//! Repeatable random decisions.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;

use super::{FaultCounts, FaultRates};

/// Decides which faults happen, and counts them.
#[derive(Debug)]
pub(super) struct Dice(Mutex<Roll>);

/// The decisions of one call. A call takes all of its decisions at once, so that concurrent calls do not interleave.
#[derive(Debug)]
pub(super) struct Roll {
    pub(super) rng: Rng,
    pub(super) counts: FaultCounts,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(Roll { rng: Rng::with_seed(seed), counts: FaultCounts::default() }))
    }

    pub(super) fn roll(&self) -> MutexGuard<'_, Roll> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> FaultCounts {
        self.roll().counts
    }
}

impl Roll {
    /// Decides whether a fault with this rate happens.
    pub(super) fn hits(&mut self, rate: f64) -> bool {
        self.rng.f64() < rate
    }

    /// Decides the delay of this call.
    pub(super) fn delay(&mut self, rates: &FaultRates) -> Duration {
        let delayed = self.hits(rates.delay);
        let delay = rates.longest_delay.mul_f64(self.rng.f64());
        if delayed && !delay.is_zero() {
            self.counts.delayed += 1;
            delay
        } else {
            Duration::ZERO
        }
    }
}
