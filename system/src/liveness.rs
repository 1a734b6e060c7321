//! Detects a part that ended unexpectedly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Becomes false when a part ends without being stopped. Clones share the state.
#[derive(Debug, Clone)]
pub(crate) struct Liveness(Arc<AtomicBool>);

/// The guard that a part holds while it runs.
pub(crate) struct Working {
    liveness: Liveness,
    part: String,
    stop: watch::Receiver<bool>,
}

impl Liveness {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Returns a guard for a part, which notices any end of it, including a panic.
    pub(crate) fn watch(&self, part: impl Into<String>, stop: watch::Receiver<bool>) -> Working {
        Working { liveness: self.clone(), part: part.into(), stop }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let told_to_stop = *self.stop.borrow() || self.stop.has_changed().is_err();
        if !told_to_stop {
            tracing::error!(
                part = self.part,
                "part ended unexpectedly; restart the process to continue its work"
            );
            self.liveness.0.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_without_a_stop_makes_it_unhealthy() {
        let (stop, stopped) = watch::channel(false);
        let liveness = Liveness::new();
        let (first, second) = (liveness.watch("first", stopped.clone()), liveness.watch("second", stopped));
        drop(first);
        assert!(!liveness.is_alive());
        let liveness = Liveness::new();
        stop.send_replace(true);
        drop(second);
        assert!(liveness.is_alive());
    }
}
