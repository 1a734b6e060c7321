//! Shared by all axum routers: problem details, strict bodies and queries, limits, idempotency keys, trace context, and the
//! layers that turn every error into a problem.
//!
//! A handler takes [`JsonBody`], [`QueryParams`] and [`PathParam`] instead of axum's own
//! extractors, parses them into domain types through [`FieldErrors`], and returns
//! `Result<_, Problem>`. The finished router goes through [`with_fallbacks`].
//!
//! # Which error to return
//! [`Problem`] is the only error of a handler. An error of the client has a kind and a detail, and both are sent. An error of the
//! server is [`Problem::unavailable`]: its cause is logged once and never sent.

mod acted_on;
mod admission;
mod allowed_hosts;
mod caller;
mod conditional;
mod cors;
mod field_errors;
mod guard;
mod headers;
mod health;
mod idempotency_key;
mod json_body;
mod limit;
mod metrics;
mod middleware;
mod page_cursor;
mod path_param;
mod problem;
mod problem_kind;
mod query_params;
mod raw_path;
mod source;
mod strict;
mod trace;

pub use acted_on::ActedOn;
pub use admission::Admission;
pub use allowed_hosts::{AllowedHosts, AllowedHostsError};
pub use caller::{Caller, OrderAccess, Stranger};
pub use conditional::{EntityTag, IfMatch, IfNoneMatch};
pub use cors::{CorsOrigins, CorsOriginsError};
pub use field_errors::{FieldError, FieldErrors};
pub use guard::{Guard, count_refused, refuse};
pub use health::{
    CheckState, Health, HealthCheck, HealthFigure, HealthSources, PartHealth, PartState, PartsHealth,
    health_router,
};
pub use idempotency_key::IdempotencyKey;
pub use json_body::{BodyTimedOut, JsonBody, JsonBodyText, MAX_BODY_BYTES};
pub use limit::Limit;
pub use metrics::metrics_router;
pub use middleware::with_fallbacks;
pub use page_cursor::{PageCursor, PageQuery};
pub use path_param::PathParam;
pub use problem::{PROBLEM_JSON, Problem};
pub use problem_kind::{PROBLEMS, ProblemKind};
pub use query_params::QueryParams;
pub use raw_path::check_path;
pub use source::Source;
pub use trace::Trace;

#[cfg(test)]
mod test_client;
