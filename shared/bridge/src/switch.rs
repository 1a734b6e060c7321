//! Stopping consumers on purpose.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// Says which consumers nothing is delivered to. Clones are the same switch.
#[derive(Debug, Clone, Default)]
pub struct ConsumerSwitch(watch::Sender<BTreeSet<String>>);

impl ConsumerSwitch {
    /// Stops delivering to these consumers, and to no others. Their messages wait.
    pub fn stop(&self, consumers: impl IntoIterator<Item = String>) {
        self.0.send_replace(consumers.into_iter().collect());
    }

    /// The consumers that nothing is delivered to.
    pub fn stopped(&self) -> BTreeSet<String> {
        self.0.borrow().clone()
    }

    /// Whether nothing is delivered to this one.
    pub fn is_stopped(&self, consumer: &str) -> bool {
        self.0.borrow().contains(consumer)
    }

    /// Tells of each change.
    pub fn changes(&self) -> watch::Receiver<BTreeSet<String>> {
        self.0.subscribe()
    }
}
