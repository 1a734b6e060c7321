//! The line in the audit log of a command that works on the queues directly. A command that asks a running system leaves it there.

use orderflow_settings::Snapshot;
use orderflow_telemetry::{AuditEntry, LogFormat, audited_ids};

/// Writes the line to standard error. `place` says where the queues are.
pub(super) fn log(operation: &str, place: &str, on: &str, is_done: bool, environment: &Snapshot) {
    let who = format!("uid={}", rustix::process::getuid().as_raw());
    let place = audited_ids([("queues", place)]);
    let entry = AuditEntry {
        who: &who,
        peer: "",
        operation,
        on: &format!("{on} {place}"),
        outcome: if is_done { "done" } else { "failed" },
        trace_id: "",
    };
    entry.log_to_stderr("dlq", LogFormat::for_stderr(environment));
}
