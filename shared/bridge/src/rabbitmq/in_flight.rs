//! Counts of messages in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the messages of one consumer that this process has received and not acknowledged. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight(Arc<AtomicUsize>);

/// Messages that count as in flight until this is dropped.
pub(super) struct Held {
    count: InFlight,
    messages: usize,
}

impl InFlight {
    pub(super) fn hold(&self, messages: usize) -> Held {
        self.0.fetch_add(messages, Ordering::AcqRel);
        Held { count: self.clone(), messages }
    }

    pub(super) fn messages(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.count.0.fetch_sub(self.messages, Ordering::AcqRel);
    }
}
