//! How many requests are handled at the same time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The requests whose handlers work at the moment, up to a limit.
#[derive(Debug)]
pub(crate) struct InFlight {
    max: usize,
    working: AtomicUsize,
    /// Whether requests are refused; each change is logged once.
    refusing: AtomicBool,
}

impl InFlight {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, working: AtomicUsize::new(0), refusing: AtomicBool::new(false) }
    }

    /// Counts a request, unless the limit is reached.
    pub(crate) fn try_enter(&self) -> bool {
        if self.working.fetch_add(1, Ordering::Relaxed) < self.max {
            return true;
        }
        self.leave();
        if !self.refusing.swap(true, Ordering::Relaxed) {
            tracing::warn!(max = self.max, "too many requests are in flight; others are refused");
        }
        false
    }

    /// Counts a request again whose body has arrived.
    pub(crate) fn enter(&self) {
        self.working.fetch_add(1, Ordering::Relaxed);
    }

    /// A request has ended, or waits for its body: a slow client takes no place of others.
    pub(crate) fn leave(&self) {
        let left = self.working.fetch_sub(1, Ordering::Relaxed) - 1;
        // Well below the limit, so that the state does not change with each request.
        if left <= self.max / 2 && self.refusing.swap(false, Ordering::Relaxed) {
            tracing::info!(max = self.max, "requests in flight are below their limit again");
        }
    }
}
