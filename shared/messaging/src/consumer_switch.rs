//! Stops consumers on request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderflow_domain::Timestamp;
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
    paused: BTreeMap<String, Timestamp>,
}

impl ConsumerSwitch {
    /// Stops delivery to these consumers as an injected fault, and ends the fault of all others. Messages of stopped consumers stay ready.
    pub fn stop(&self, consumers: impl IntoIterator<Item = String>) {
        self.change(|reasons| reasons.faulty = consumers.into_iter().collect());
    }

    /// Stops delivery to these consumers because an operator paused them at these times, and ends the pause of all others.
    pub fn pause(&self, consumers: impl IntoIterator<Item = (String, Timestamp)>) {
        self.change(|reasons| reasons.paused = consumers.into_iter().collect());
    }

    fn change(&self, change: impl FnOnce(&mut Reasons)) {
        let mut reasons = self.lock();
        change(&mut reasons);
        let stopped: BTreeSet<String> = reasons.faulty.iter().chain(reasons.paused.keys()).cloned().collect();
        self.stopped.send_if_modified(|before| std::mem::replace(before, stopped) != *before);
    }

    /// Returns the consumers that an injected fault stops.
    pub fn faulty(&self) -> BTreeSet<String> {
        self.lock().faulty.clone()
    }

    /// Returns when an operator paused this consumer; `None` if it is not paused.
    pub fn paused_since(&self, consumer: &str) -> Option<Timestamp> {
        self.lock().paused.get(consumer).copied()
    }

    /// Returns whether delivery to this consumer is stopped, for either reason.
    pub fn is_stopped(&self, consumer: &str) -> bool {
        self.stopped.borrow().contains(consumer)
    }

    fn lock(&self) -> MutexGuard<'_, Reasons> {
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner)
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
        let since = Timestamp::from_millis(1_700_000_000_000);
        switch.pause([("payment".to_owned(), since), ("analytics".to_owned(), since)]);
        assert_eq!(
            (switch.paused_since("payment"), switch.paused_since("notification")),
            (Some(since), None)
        );
        assert!(switch.is_stopped("payment") && switch.is_stopped("analytics"));
        switch.stop([]);
        assert!(switch.is_stopped("payment"));
        assert!(switch.faulty().is_empty());
        changes.mark_unchanged();
        switch.pause([("analytics".to_owned(), since)]);
        assert!(changes.has_changed().unwrap());
        assert!(!switch.is_stopped("payment"));
        changes.mark_unchanged();
        switch.pause([("analytics".to_owned(), since)]);
        assert!(!changes.has_changed().unwrap());
    }
}
