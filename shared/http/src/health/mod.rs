//! `GET /health`, `/health/live` and `/health/ready`.

mod check;
mod report;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use futures::future::join_all;
use http::request::Parts;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Caller, Stranger};
pub use check::{CheckState, HealthCheck};
use report::Probe;
pub use report::{Health, PartHealth, PartState};

/// The scope that lets a caller see details.
const OPERATE: &str = "operate";

/// A measured value: its name, and a function that reads the current value.
#[derive(Clone)]
pub struct HealthFigure {
    name: &'static str,
    value: Arc<dyn Fn() -> Value + Send + Sync>,
}

impl HealthFigure {
    /// Creates a figure with this name.
    pub fn new<V: Into<Value>>(name: &'static str, value: impl Fn() -> V + Send + Sync + 'static) -> Self {
        Self { name, value: Arc::new(move || value().into()) }
    }
}

/// A function that returns the health of each part.
pub type PartsHealth = Arc<dyn Fn() -> BTreeMap<&'static str, PartHealth> + Send + Sync>;

/// What the health routes show.
#[derive(Clone, Default)]
pub struct HealthSources {
    /// What the process needs.
    pub checks: Vec<HealthCheck>,
    /// What it needs to answer requests, or to consume messages: while one of these is down, the process is not ready.
    pub readiness: Vec<HealthCheck>,
    /// Measured values, which do not affect the status.
    pub figures: Vec<HealthFigure>,
    /// The parts, which are read after the checks. A part that is not running makes the process degraded.
    pub parts: Option<PartsHealth>,
}

impl From<HealthCheck> for HealthSources {
    fn from(check: HealthCheck) -> Self {
        Self { checks: vec![check.clone()], readiness: vec![check], ..Self::default() }
    }
}

/// Returns the routes of health:
///
/// - `GET /health`: 503 if a check is down, otherwise 200, with the state of each check and part;
/// - `GET /health/live`: always 200;
/// - `GET /health/ready`: 503 if something that readiness needs is down, otherwise 200.
pub fn health_router(sources: impl Into<HealthSources>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(live))
        .routes(routes!(ready))
        .with_state(sources.into())
}

/// Check the health of the process
///
/// Answers within 2 s. A caller without a token, or without the scope `operate`, sees `status`, `timestamp` and `services` only; where
/// callers are not authenticated, all see everything. The process that relays events also reports the writes whose events are not
/// published yet: `outbox_pending` is their number and `outbox_oldest_seconds` the age of the oldest.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operation",
    operation_id = "health",
    responses(
        (status = 200, description = "Everything is up, or only degraded", body = Health),
        (status = 503, description = "Something is down", body = Health),
    )
)]
async fn health(State(sources): State<HealthSources>, audience: Audience) -> Response {
    let mut health = sources.report().await;
    if audience == Audience::Anyone {
        health.reasons.clear();
        health.parts.clear();
        health.figures.clear();
    }
    let status = if health.status == UNHEALTHY { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(health)).into_response()
}

/// The status while something is down.
const UNHEALTHY: &str = "unhealthy";

impl HealthSources {
    /// Returns the health of the process with all details, within 2 s.
    pub async fn report(&self) -> Health {
        let states = join_all(self.checks.iter().map(HealthCheck::state)).await;
        let parts = self.parts.as_ref().map_or_else(BTreeMap::new, |parts| parts());
        let checks = || self.checks.iter().map(|check| check.name).zip(&states);
        let is_down = states.iter().any(|state| matches!(state, CheckState::Down(_)));
        let is_degraded = states.iter().any(|state| matches!(state, CheckState::Degraded(_)))
            || parts.values().any(|part| part.state != PartState::Running);
        let status = match (is_down, is_degraded) {
            (true, _) => UNHEALTHY,
            (false, true) => "degraded",
            (false, false) => "healthy",
        };
        Health {
            status,
            timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            services: checks().map(|(name, state)| (name, state.name())).collect(),
            reasons: checks().filter_map(|(name, state)| Some((name, state.reason()?.to_owned()))).collect(),
            parts,
            figures: self.figures.iter().map(|figure| (figure.name, (figure.value)())).collect(),
        }
    }
}

/// Check whether the process runs
///
/// Checks nothing else: a supervisor restarts a process that does not answer.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "operation",
    operation_id = "healthLive",
    responses((status = 200, description = "The process runs", body = Probe))
)]
async fn live() -> Json<Probe> {
    Json(Probe { status: "alive" })
}

/// Check whether the process can answer requests
///
/// A load balancer sends requests only to a process that is ready. Answers within 2 s.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operation",
    operation_id = "healthReady",
    responses(
        (status = 200, description = "Requests are answered", body = Probe),
        (status = 503, description = "Something that requests need is down", body = Probe),
    )
)]
async fn ready(State(sources): State<HealthSources>) -> Response {
    let states = join_all(sources.readiness.iter().map(HealthCheck::state)).await;
    let is_ready = !states.iter().any(|state| matches!(state, CheckState::Down(_)));
    let (status, name) = match is_ready {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
    };
    (status, Json(Probe { status: name })).into_response()
}

/// Who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Sees everything.
    Operator,
    /// Sees no details.
    Anyone,
}

impl<S: Send + Sync> FromRequestParts<S> for Audience {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let is_stranger = parts.extensions.get::<Stranger>().is_some();
        let is_customer =
            parts.extensions.get::<Caller>().is_some_and(|caller| !caller.has_one_of(&[OPERATE]));
        Ok(if is_stranger || is_customer { Self::Anyone } else { Self::Operator })
    }
}

#[cfg(test)]
mod tests;
