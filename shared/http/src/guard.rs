//! The guard in front of a listener: refuses requests that were addressed to another server, or that a page of another site caused.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri, Version};

use crate::headers::harden;
use crate::{AllowedHosts, CorsOrigins, Problem, ProblemKind, check_path};

/// The media types that a page of another site can send without asking first (Fetch standard, "CORS-safelisted request-header").
const SIMPLE_TYPES: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// Headers that a page of another site cannot set without asking first.
const CUSTOM_HEADERS: [&str; 3] = ["idempotency-key", "x-orderflow", "x-amz-target"];

/// Whether the page of a request is of the origin that it calls. Browsers set this header, and a page cannot.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// The number of bytes of a refused host that is logged.
const LOGGED_HOST_BYTES_MAX: usize = 100;

/// The rule for the requests that a listener answers.
///
/// - HTTP/1 needs exactly one `Host`, and all names of one host have to agree: otherwise 400.
/// - The host has to be one of the allowed ones: otherwise 421.
/// - The path has to be one that every server reads alike: otherwise 400.
/// - Methods that are not safe refuse the `Origin` of another host, and any `Sec-Fetch-Site` but `same-origin` and `none`: 403.
/// - Methods that are not safe need a `Content-Type` that an HTML form cannot send, also without a body, or `Idempotency-Key` or `X-Orderflow`:
///   otherwise 415. A page of the same origin needs neither.
/// - Responses have the headers by which a browser handles them with care.
/// - Pages of the allowed origins are treated as pages of the own origin, and may read the responses.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    hosts: AllowedHosts,
    origins: CorsOrigins,
}

impl Guard {
    /// Creates a guard that lets pages of these origins in.
    #[must_use]
    pub const fn new(hosts: AllowedHosts, origins: CorsOrigins) -> Self {
        Self { hosts, origins }
    }

    /// Puts the guard in front of all routes of a listener. Must be the outermost layer.
    pub fn protect(self, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::new(self), answer))
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        let host = self.host(request.version(), request.uri(), headers)?;
        check_path(request.uri().path())?;
        if request.method().is_safe() {
            return Ok(());
        }
        let has_origin = headers.contains_key(ORIGIN);
        let origins_are = |allowed: &dyn Fn(&HeaderValue) -> bool| {
            has_origin && headers.get_all(ORIGIN).iter().all(allowed)
        };
        if origins_are(&|origin| self.origins.include(origin)) {
            return Ok(());
        }
        if is_of_another_site(headers) || (has_origin && !origins_are(&|origin| is_own(origin, &host))) {
            return Err(cross_site());
        }
        // A browser sets `Origin`, and a page cannot.
        if has_origin
            || CUSTOM_HEADERS.iter().any(|name| headers.contains_key(*name))
            || has_custom_type(headers)
        {
            return Ok(());
        }
        Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            "Send Content-Type: application/json, also without a body; it shows that no form of another site sends this.",
        ))
    }

    /// Returns the host that the request is addressed to.
    fn host(&self, version: Version, uri: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
        let mut named = Vec::new();
        for value in headers.get_all(HOST) {
            named.push(
                Authority::try_from(value.as_bytes()).map_err(|_| malformed("Host is not a host name."))?,
            );
        }
        // HTTP/2 sends the host as `:authority`, which is in the URI.
        if named.len() > 1 || (named.is_empty() && (version < Version::HTTP_2 || uri.authority().is_none())) {
            return Err(malformed("Exactly one Host is needed."));
        }
        named.extend(uri.authority().cloned());
        if let Some(foreign) = named.iter().find(|authority| !self.hosts.include(authority)) {
            let host: String = foreign.as_str().chars().take(LOGGED_HOST_BYTES_MAX).collect();
            tracing::info!(host, "refused a host that is not in ORDERFLOW_ALLOWED_HOSTS");
            return Err(Problem::new(
                ProblemKind::MisdirectedRequest,
                "This server does not answer to that Host; ORDERFLOW_ALLOWED_HOSTS names the hosts that it answers to.",
            ));
        }
        if named.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(malformed("Host and the host of the target differ."));
        }
        named.pop().ok_or_else(|| malformed("Exactly one Host is needed."))
    }
}

async fn answer(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if let Err(problem) = guard.check(&request) {
        return refuse(problem);
    }
    let path = request.uri().path().to_owned();
    let mut response = guard.origins.answer(request, next).await;
    harden(&path, &mut response);
    response
}

/// Returns the response to a request that is refused before its route, which is counted and logged.
pub fn refuse(problem: Problem) -> Response {
    let reason = problem.kind().slug();
    count_refused(problem.kind());
    tracing::info!(error.code = reason, "refused a request before its route");
    let mut response = problem.into_response();
    harden("/", &mut response);
    response
}

/// Counts a request that is refused before its route.
pub fn count_refused(kind: ProblemKind) {
    ::metrics::counter!("http_requests_refused_total", "reason" => kind.slug()).increment(1);
}

/// Returns whether a browser says that the page is not of the origin that it calls. `none` stands for a user without a page.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let is_own = |site: &HeaderValue| {
        [b"same-origin".as_slice(), b"none"].iter().any(|own| site.as_bytes().eq_ignore_ascii_case(own))
    };
    !headers.get_all(SEC_FETCH_SITE).iter().all(is_own)
}

/// Returns whether an origin is the host that the request is addressed to, with the same port. The scheme is not compared: a proxy may have
/// ended TLS.
fn is_own(origin: &HeaderValue, host: &Authority) -> bool {
    let authority =
        origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host.as_str()))
}

fn has_custom_type(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter().peekable();
    types.peek().is_some()
        && types.all(|value| {
            let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
            !essence.is_empty() && !SIMPLE_TYPES.iter().any(|simple| essence.eq_ignore_ascii_case(simple))
        })
}

fn malformed(detail: &str) -> Problem {
    Problem::new(ProblemKind::MalformedRequest, detail)
}

fn cross_site() -> Problem {
    Problem::new(ProblemKind::CrossSiteRequest, "A page of another site sent this request.")
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
