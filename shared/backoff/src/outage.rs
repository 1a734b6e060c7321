//! Reports an outage once, however many callers notice it and however often.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An outage that several callers notice: the number of those that fail. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Outage(Arc<AtomicUsize>);

/// One caller that may notice the outage. Dropping it ends its part of the outage.
#[derive(Debug)]
pub struct OutageObserver {
    outage: Outage,
    is_failing: bool,
}

impl Outage {
    /// Returns an observer for one caller.
    pub fn observer(&self) -> OutageObserver {
        OutageObserver { outage: self.clone(), is_failing: false }
    }
}

impl OutageObserver {
    /// Records that this caller fails. Returns whether the outage begins with it, which is to be logged.
    pub fn fails(&mut self) -> bool {
        !std::mem::replace(&mut self.is_failing, true) && self.outage.0.fetch_add(1, Ordering::AcqRel) == 0
    }

    /// Records that this caller works. Returns whether the outage ends with it, which is to be logged.
    pub fn works(&mut self) -> bool {
        std::mem::take(&mut self.is_failing) && self.outage.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl Drop for OutageObserver {
    fn drop(&mut self) {
        self.works();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_begins_and_ends_once_however_many_notice_it() {
        let outage = Outage::default();
        let (mut one, mut other) = (outage.observer(), outage.observer());
        assert!(!one.works());
        assert!(one.fails());
        assert!(!one.fails() && !other.fails());
        assert!(!one.works() && !one.works());
        assert!(other.works());
        assert!(one.fails());
        drop(one);
        assert!(other.fails());
    }
}
