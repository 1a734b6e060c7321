//! The audit log: one line for each call of an operator.

use std::fmt::Display;
use std::io;

use tracing::Metadata;
use tracing_subscriber::layer::SubscriberExt;

use crate::{LogFormat, layer};

/// The target of the lines. `RUST_LOG` cannot silence it.
pub(crate) const AUDIT: &str = "audit";

/// A call of an operator.
#[derive(Debug, Clone, Copy)]
pub struct AuditEntry<'a> {
    /// Who: the subject of the token, or what else is known of the caller.
    pub who: &'a str,
    /// The address that the call came from; empty if there is none.
    pub peer: &'a str,
    /// What: the operation, such as `PUT /api/v1/admin/faults`.
    pub operation: &'a str,
    /// On what: the ids of the resource.
    pub on: &'a str,
    /// How it ended, such as `200`.
    pub outcome: &'a str,
    /// The trace that the call belongs to; empty if there is none.
    pub trace_id: &'a str,
}

impl AuditEntry<'_> {
    /// Writes the line to the log of this process, whatever `RUST_LOG` says.
    pub fn log(self) {
        let Self { who, peer, operation, on, outcome, trace_id } = self;
        tracing::info!(target: AUDIT, target = AUDIT, who, peer, operation, on, outcome, trace.id = trace_id, "operator call");
    }

    /// Writes the line to standard error as `service`, in a process that keeps no log.
    pub fn log_to_stderr(self, service: &str, format: LogFormat) {
        let subscriber = tracing_subscriber::registry().with(layer(service, format, io::stderr));
        tracing::subscriber::with_default(subscriber, || self.log());
    }
}

/// Returns whether a line belongs to the audit log.
pub(crate) fn is_audit(metadata: &Metadata<'_>) -> bool {
    metadata.target() == AUDIT
}

/// Joins names and values of ids: `consumer=payment id=42`.
pub fn audited_ids<'a, N: Display, V: Display>(ids: impl IntoIterator<Item = (N, V)> + 'a) -> String {
    let ids: Vec<_> = ids.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    ids.join(" ")
}
