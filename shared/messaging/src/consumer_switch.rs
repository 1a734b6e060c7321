//! Stops consumers on request.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Holds the consumers to which nothing is delivered: those that an operator paused, and those stopped by an injected fault. Clones share
/// it.
#[derive(Debug, Clone, Default)]
pub struct ConsumerSwitch {
    reasons: Arc<Mutex<Reasons>>,
    stopped: watch::Sender<BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct Reasons {
    faulty: BTreeSet<String>,
    paused: BTreeSet<String>,
}

impl ConsumerSwitch {
    /// Stops delivery to these consumers as an injected fault, and ends the fault of all others. Messages of stopped consumers stay ready.
    pub fn stop(&self, consumers: impl IntoIterator<Item = String>) {
        self.change(|reasons| reasons.faulty = consumers.into_iter().collect());
    }

    /// Stops delivery to these consumers because an operator paused them, and ends the pause of all others.
    pub fn pause(&self, consumers: impl IntoIterator<Item = String>) {
        self.change(|reasons| reasons.paused = consumers.into_iter().collect());
    }

    fn change(&self, change: impl FnOnce(&mut Reasons)) {
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut reasons);
        let stopped: BTreeSet<String> = reasons.faulty.union(&reasons.paused).cloned().collect();
        self.stopped.send_if_modified(|before| std::mem::replace(before, stopped) != *before);
    }

    /// Returns the consumers that an injected fault stops.
    pub fn faulty(&self) -> BTreeSet<String> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).faulty.clone()
    }

    /// Returns whether delivery to this consumer is stopped, for either reason.
    pub fn is_stopped(&self, consumer: &str) -> bool {
        self.stopped.borrow().contains(consumer)
    }

    /// Returns a receiver of all stopped consumers, which is notified of each change.
    pub fn changes(&self) -> watch::Receiver<BTreeSet<String>> {
        self.stopped.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_is_stopped_until_neither_a_fault_nor_an_operator_stops_it() {
        let switch = ConsumerSwitch::default();
        let mut changes = switch.changes();
        switch.stop(["payment".to_owned()]);
        switch.pause(["payment".to_owned(), "analytics".to_owned()]);
        assert!(switch.is_stopped("payment") && switch.is_stopped("analytics"));
        switch.stop([]);
        assert!(switch.is_stopped("payment"));
        assert!(switch.faulty().is_empty());
        changes.mark_unchanged();
        switch.pause(["analytics".to_owned()]);
        assert!(changes.has_changed().unwrap());
        assert!(!switch.is_stopped("payment"));
        changes.mark_unchanged();
        switch.pause(["analytics".to_owned()]);
        assert!(!changes.has_changed().unwrap());
    }
}
