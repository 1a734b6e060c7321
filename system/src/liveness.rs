//! Whether every part that works by itself still does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Falls when a part ends without being told to. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Liveness(Arc<AtomicBool>);

/// Held by a part while it works.
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

    /// Watches over a part until it ends, be it by a panic.
    pub(crate) fn watch(&self, part: impl Into<String>, stop: watch::Receiver<bool>) -> Working {
        Working { liveness: self.clone(), part: part.into(), stop }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let told_to_stop = *self.stop.borrow() || self.stop.has_changed().is_err();
        if !told_to_stop {
            tracing::error!(part = self.part, "a part ended by itself; a restart goes on where it was");
            self.liveness.0.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_that_nobody_asked_for_counts() {
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
