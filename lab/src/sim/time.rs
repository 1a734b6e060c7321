//! The clocks of a simulation, and its source of random ids.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use orderflow_domain::{Source, Timestamp};
use tokio::time::Instant;

/// The wall clock at the start, in milliseconds since 1970: 2026-01-01.
const START_MS: i64 = 1_767_225_600_000;

/// The clocks: a true one, which never jumps and drives all delays, and the wall clock.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    started: Instant,
    jumps_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Starts the clocks. Call it inside of a runtime whose time is paused.
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), jumps_ms: Arc::default() }
    }

    /// Returns the true time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the true milliseconds since the start.
    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Moves the wall clock.
    pub(super) fn jump(&self, by_ms: i64) {
        self.jumps_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    fn wall_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.elapsed_ms()).unwrap_or(i64::MAX);
        START_MS + elapsed + self.jumps_ms.load(Ordering::Relaxed)
    }

    /// Returns the time on the wall clock.
    pub(super) fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.wall_ms())
    }

    /// Returns the time on the wall clock, as the store wants it.
    pub(super) fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.wall_ms()).unwrap_or(0))
    }
}

/// The source of time and of random ids for everything that runs in a simulation.
pub(super) struct SimulatedSource {
    clock: Clock,
    rng: RefCell<fastrand::Rng>,
}

impl SimulatedSource {
    pub(super) fn new(clock: Clock, seed: u64) -> Self {
        Self { clock, rng: RefCell::new(fastrand::Rng::with_seed(seed)) }
    }
}

impl Source for SimulatedSource {
    fn now_ms(&self) -> i64 {
        self.clock.wall_ms()
    }

    fn random(&self) -> u128 {
        self.rng.borrow_mut().u128(..)
    }
}
