//! The verdict about a run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::audit::{Violation, audit};
use super::{Plan, Run, run};

const SETTLES: &str = "settles";
const NO_PANIC: &str = "no-panic";

/// Returns every promise that a run broke: what the auditor found, and `settles` if something still waited long after the faults were over.
#[must_use]
pub fn violations(run: &Run) -> Vec<Violation> {
    let unsettled = run.unsettled.as_ref();
    let unsettled = unsettled.map(|dump| Violation { invariant: SETTLES, order: None, text: dump.clone() });
    unsettled.into_iter().chain(audit(&run.evidence)).collect()
}

/// Runs a plan. Returns what it did, unless the code under simulation panicked, and every promise that it broke.
pub(super) fn examine(plan: &Plan) -> (Option<Run>, Vec<Violation>) {
    match catch_unwind(AssertUnwindSafe(|| run(plan))) {
        Ok(run) => {
            let found = violations(&run);
            (Some(run), found)
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let text = text.unwrap_or_else(|| "the panic has no message".to_owned());
            (None, vec![Violation { invariant: NO_PANIC, order: None, text }])
        }
    }
}
