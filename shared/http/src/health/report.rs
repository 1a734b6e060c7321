//! The answers of the health routes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The health of the process.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `healthy`; `degraded` if something does not work and the process is useful all the same; `unhealthy`.
    #[schema(example = "healthy")]
    pub status: &'static str,
    /// The time of the check.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// What the process needs, each `up`, `degraded` or `down`.
    #[schema(example = json!({"store": "up", "broker": "up"}))]
    pub services: BTreeMap<&'static str, &'static str>,
    /// Why a service is not up.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"broker": "the queue orderflow.payment has no consumer"}))]
    pub reasons: BTreeMap<&'static str, String>,
    /// The parts that this process runs, and the consumers of other processes as far as the broker knows them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<&'static str, PartHealth>,
    /// Measured values, such as `outbox_pending`.
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, f64>)]
    pub figures: BTreeMap<&'static str, Value>,
}

/// The state of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// It works, or waits for work.
    Running,
    /// An operator stopped it.
    Stopped,
    /// It does not work at present.
    Failing,
}

/// The health of a part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = PartHealth)]
pub struct PartHealth {
    /// The state.
    pub state: PartState,
    /// Since when it fails, or an operator has it paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// Why it fails or is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it last succeeded with something, since the process started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_success: Option<String>,
    /// The number of messages that wait for it, where the broker says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    /// The age of the oldest message that waits for it, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_waiting_seconds: Option<f64>,
}

impl PartHealth {
    /// Returns the health of a part of which only the state is known.
    #[must_use]
    pub fn new(state: PartState) -> Self {
        Self {
            state,
            since: None,
            reason: None,
            last_success: None,
            waiting: None,
            oldest_waiting_seconds: None,
        }
    }
}

/// Whether the process runs, or can answer requests.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Probe {
    /// `alive`, `ready` or `not_ready`.
    #[schema(example = "ready")]
    pub status: &'static str,
}
