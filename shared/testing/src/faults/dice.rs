//! Chance that can be repeated.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;

use super::{FaultCounts, FaultRates};

/// Decides what goes wrong, and counts it.
#[derive(Debug)]
pub(super) struct Dice(Mutex<Roll>);

/// One throw. Whoever has it decides all of a call, so that calls at the same time do not mix theirs.
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
    /// Whether something of this rate happens now.
    pub(super) fn hits(&mut self, rate: f64) -> bool {
        self.rng.f64() < rate
    }

    /// How much longer this call takes.
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
