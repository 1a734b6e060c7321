//! Whether topic, queues and subscriptions were complete when they were last looked at.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tells a publisher when events reach every consumer. SNS accepts an event for a topic without subscriptions and drops it, so the publisher waits
/// until a look that began after its last failure has found everything.
#[derive(Debug, Default)]
pub(crate) struct Completeness(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_incomplete: bool,
    /// The number of times at which the topic was found missing by the publisher.
    losses: u64,
}

/// A look at topic, queues and subscriptions that has begun.
#[derive(Debug)]
pub(crate) struct Look {
    losses: u64,
}

impl Completeness {
    /// Returns whether something that events need is missing, as far as known.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.lock().is_incomplete
    }

    /// Records that the topic does not exist.
    pub(crate) fn lose(&self) {
        let mut state = self.lock();
        state.losses += 1;
        state.is_incomplete = true;
    }

    pub(crate) fn begin_look(&self) -> Look {
        Look { losses: self.lock().losses }
    }

    /// Records what a look has found. If the topic was missing since the look began, the look says nothing.
    pub(crate) fn end_look(&self, look: Look, is_complete: bool) {
        let mut state = self.lock();
        if state.losses == look.losses {
            state.is_incomplete = !is_complete;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, so the value behind a poisoned lock is complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_waits_until_a_look_has_found_everything() {
        let completeness = Completeness::default();
        assert!(!completeness.is_incomplete());
        completeness.end_look(completeness.begin_look(), false);
        assert!(completeness.is_incomplete());
        completeness.end_look(completeness.begin_look(), true);
        assert!(!completeness.is_incomplete());
    }

    #[test]
    fn a_look_that_began_before_the_topic_was_lost_proves_nothing() {
        let completeness = Completeness::default();
        let look = completeness.begin_look();
        completeness.lose();
        completeness.end_look(look, true);
        assert!(completeness.is_incomplete());
        completeness.end_look(completeness.begin_look(), true);
        assert!(!completeness.is_incomplete());
    }
}
