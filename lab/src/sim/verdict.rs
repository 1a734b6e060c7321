//! The verdict about a run.

use super::Run;
use super::audit::{Violation, audit};

/// Returns every promise that a run broke: what the auditor found, and `settles` if something still waited long after the faults were over.
#[must_use]
pub fn violations(run: &Run) -> Vec<Violation> {
    let unsettled = run.unsettled.as_ref();
    let unsettled = unsettled.map(|dump| Violation { invariant: "settles", order: None, text: dump.clone() });
    unsettled.into_iter().chain(audit(&run.evidence)).collect()
}
