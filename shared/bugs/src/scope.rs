//! The bug that is planted on a thread.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::BUGS;

thread_local! {
    static PLANTED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Plants a bug on the thread that created it, until it is dropped. Other threads are not affected.
#[derive(Debug)]
#[must_use = "the bug is planted until this is dropped"]
pub struct BugScope {
    previous: Option<&'static str>,
    /// It belongs to its thread.
    _not_send: PhantomData<*const ()>,
}

impl BugScope {
    /// Plants the bug of this name on this thread, in place of the one before.
    pub fn enter(name: &'static str) -> Self {
        debug_assert!(is_listed(name), "{name} is not in BUGS");
        Self { previous: PLANTED.replace(Some(name)), _not_send: PhantomData }
    }
}

impl Drop for BugScope {
    fn drop(&mut self) {
        PLANTED.set(self.previous);
    }
}

/// Returns whether the bug of this name is planted on this thread.
#[must_use]
pub fn is_planted(name: &'static str) -> bool {
    let Some(planted) = PLANTED.get() else { return false };
    debug_assert!(is_listed(name), "{name} is not in BUGS");
    planted == name
}

fn is_listed(name: &str) -> bool {
    BUGS.iter().any(|bug| bug.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_planted_on_one_thread_within_its_scope() {
        let [first, second, ..] = BUGS else { panic!("there are bugs") };
        let outer = BugScope::enter(first.name);
        assert!(is_planted(first.name) && !is_planted(second.name));
        let inner = BugScope::enter(second.name);
        assert!(is_planted(second.name) && !is_planted(first.name));
        let elsewhere = std::thread::spawn(|| is_planted(BUGS[1].name)).join();
        assert!(!elsewhere.unwrap());
        drop(inner);
        assert!(is_planted(first.name));
        drop(outer);
        assert!(!is_planted(first.name));
    }
}
