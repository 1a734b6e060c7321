//! Problem details, RFC 9457: the body of every error.

use std::error::Error;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use orderflow_backoff::{Ended, Repeats};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{FieldError, FieldErrors, ProblemKind};

/// The media type of problem details.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The default of `Retry-After`.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

type Cause = Box<dyn Error + Send + Sync>;

/// An error response: `application/problem+json` with `type`, `title`, `status`, `detail` and, if fields are invalid, `errors`.
///
/// `detail` is for the client. The cause of a server error is separate: it is logged once, when the response is created, and
/// never sent.
#[derive(Debug, thiserror::Error)]
#[error("{}: {detail}", kind.slug())]
pub struct Problem {
    kind: ProblemKind,
    detail: String,
    errors: FieldErrors,
    retry_after: Option<Duration>,
    #[source]
    cause: Option<Cause>,
}

impl Problem {
    /// Creates a problem that the client caused. `detail` is sent.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: FieldErrors::default(), retry_after: None, cause: None }
    }

    /// Creates a 404 with a fixed detail.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ProblemKind::NotFound, "Nothing is found at this path.")
    }

    /// Creates a 422 `invalid-request` with these field errors.
    #[must_use]
    pub fn invalid_request(errors: FieldErrors) -> Self {
        Self::with_errors(ProblemKind::InvalidRequest, errors)
    }

    /// Creates a 422 `invalid-request` with one field error.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid_request(FieldErrors::one(field, message))
    }

    /// Creates a problem of another kind with these field errors: the fields are well formed, and a rule of the shop refuses them.
    #[must_use]
    pub fn refused(kind: ProblemKind, errors: FieldErrors) -> Self {
        Self::with_errors(kind, errors)
    }

    /// Creates a problem of another kind with one field error.
    pub fn refused_field(kind: ProblemKind, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::refused(kind, FieldErrors::one(field, message))
    }

    /// Creates a 422 `invalid-cursor`.
    #[must_use]
    pub fn invalid_cursor() -> Self {
        let message = "must be a next_cursor of the same listing with the same filters";
        Self::refused_field(ProblemKind::InvalidCursor, "cursor", message)
    }

    /// Creates a 429 with `Retry-After` (in whole seconds, rounded up).
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::new(ProblemKind::RateLimited, "Wait for the seconds in Retry-After.")
            .with_retry_after(retry_after)
    }

    /// Creates a 503 for any server error. The cause is logged with its sources and not sent.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let problem =
            Self::new(ProblemKind::Unavailable, "Something failed here; the same request may succeed later.");
        Self { cause: Some(cause.into()), ..problem.with_retry_after(DEFAULT_RETRY_AFTER) }
    }

    /// Sets `Retry-After` (in whole seconds, rounded up, at least one).
    #[must_use]
    pub fn with_retry_after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// Returns the kind of the problem.
    #[must_use]
    pub const fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// Returns the field errors; empty if no field is invalid.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        self.errors.as_slice()
    }

    /// Creates the problem of a response that has only a status.
    pub(crate) fn of_status(kind: ProblemKind) -> Self {
        let problem = Self::new(kind, kind.title());
        match kind {
            ProblemKind::Unavailable | ProblemKind::RateLimited => {
                problem.with_retry_after(DEFAULT_RETRY_AFTER)
            }
            _ => problem,
        }
    }

    fn with_errors(kind: ProblemKind, errors: FieldErrors) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{} {}.", only.field, only.message),
            several => format!("{} fields are invalid; see errors.", several.len()),
        };
        Self { errors, ..Self::new(kind, detail) }
    }

    /// Logs a server error when it begins; one that repeats is logged again once it was over.
    fn log_cause(&self) {
        // The limit of requests in flight logs when it begins to refuse, not for each request.
        if !self.kind.status().is_server_error() || self.kind == ProblemKind::Overloaded {
            return;
        }
        let code = self.kind.slug();
        let cause = self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn Error + 'static));
        if FAILURES.fails(&cause.map_or_else(|| code.to_owned(), ToString::to_string)) {
            tracing::error!(error.code = code, error = cause, "a request failed");
        } else {
            tracing::debug!(error.code = code, error = cause, "a request failed");
        }
    }
}

/// The server errors of this process.
static FAILURES: Repeats = Repeats::new();

/// Logs the end of the server errors that did not occur any more for some time, after a request was answered.
pub(crate) fn log_ended_failures() {
    for Ended { failure, count } in FAILURES.works() {
        tracing::info!(error = failure, requests = count, "requests no longer fail");
    }
}

impl FieldErrors {
    /// Returns the value that was assembled from the parsed fields.
    ///
    /// # Errors
    /// 422 `invalid-request` with every recorded error. A missing value without an error is a mistake in the calling
    /// code and becomes 503.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Problem> {
        if !self.is_empty() {
            return Err(Problem::invalid_request(self));
        }
        value.ok_or_else(|| Problem::unavailable("a field was dropped without an error"))
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Body::schema()
    }
}

impl ToSchema for Problem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Body::schemas(schemas);
    }
}

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
struct Body<'a> {
    /// The kind of the problem, for programs.
    #[schema(example = "urn:orderflow:problem:not-found")]
    r#type: String,
    /// A summary, the same for every problem of this kind.
    #[schema(example = "There is no such resource")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What is wrong with this request.
    #[schema(example = "Nothing is found at this path.")]
    detail: &'a str,
    /// The invalid fields, if any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log_cause();
        let status = self.kind.status();
        let body = Body {
            r#type: self.kind.urn(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
            errors: self.errors.as_slice(),
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if self.kind == ProblemKind::Unauthenticated {
            // RFC 9110, section 15.5.2: a 401 names the expected scheme.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    let begun = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(begun).max(1)
}

#[cfg(test)]
#[path = "problem_tests.rs"]
mod tests;
