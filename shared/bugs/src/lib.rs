//! Deliberate bugs, with which the simulation is tested: a test plants each of them and checks that the simulation finds it.
//!
//! The code that a bug breaks asks [`is_planted`] at the place where the bug is. Without the feature `planted`, which only tests enable, the
//! answer is a constant: the compiler removes the bug, and the program does not contain it.

mod catalogue;
#[cfg(feature = "planted")]
mod scope;

pub use catalogue::BUGS;
#[cfg(feature = "planted")]
pub use scope::{BugScope, is_planted};

/// A deliberate bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bug {
    /// The name, under which the code asks for it.
    pub name: &'static str,
    /// What the code does wrong, as a sentence.
    pub sentence: &'static str,
}

/// Returns `false`: this build contains no bug.
#[cfg(not(feature = "planted"))]
#[inline]
#[must_use]
pub const fn is_planted(_name: &'static str) -> bool {
    false
}
