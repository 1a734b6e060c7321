//! Stops consumers on request.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// Holds the set of stopped consumers. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ConsumerSwitch(watch::Sender<BTreeSet<String>>);

impl ConsumerSwitch {
    /// Stops delivery to these consumers and resumes it for all others. Messages of stopped consumers stay ready.
    pub fn stop(&self, consumers: impl IntoIterator<Item = String>) {
        self.0.send_replace(consumers.into_iter().collect());
    }

    /// Returns the stopped consumers.
    pub fn stopped(&self) -> BTreeSet<String> {
        self.0.borrow().clone()
    }

    /// Returns whether delivery to this consumer is stopped.
    pub fn is_stopped(&self, consumer: &str) -> bool {
        self.0.borrow().contains(consumer)
    }

    /// Returns a receiver that is notified of each change.
    pub fn changes(&self) -> watch::Receiver<BTreeSet<String>> {
        self.0.subscribe()
    }
}
