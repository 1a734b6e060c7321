//! The lines in the audit log of commands that act on queues or tables directly. A command that asks a running system leaves its line
//! there.

use orderflow_settings::Snapshot;
use orderflow_telemetry::{AuditEntry, LogFormat};

/// An action of the user of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action<'a> {
    /// What, such as `dlq purge`.
    pub(crate) operation: &'a str,
    /// On what.
    pub(crate) on: &'a str,
    /// Whether it was done.
    pub(crate) is_done: bool,
}

impl Action<'_> {
    /// Writes the line to the log of this process.
    pub(crate) fn log(self) {
        self.with_entry(|entry| entry.log());
    }

    /// Writes the line to standard error, in a command that keeps no log.
    pub(crate) fn log_to_stderr(self, service: &str, environment: &Snapshot) {
        self.with_entry(|entry| entry.log_to_stderr(service, LogFormat::for_stderr(environment)));
    }

    fn with_entry(self, write: impl FnOnce(AuditEntry<'_>)) {
        let who = format!("uid={}", rustix::process::getuid().as_raw());
        let outcome = if self.is_done { "done" } else { "failed" };
        write(AuditEntry {
            who: &who,
            peer: "",
            operation: self.operation,
            on: self.on,
            outcome,
            trace_id: "",
        });
    }
}
