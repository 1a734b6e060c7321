//! The HTTP client of the commands: timeouts, authorisation, retries.

use std::time::Duration;

use orderflow_system::BaseUrl;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;

use super::{ApiRequest, ApiResponse, Backoff, jittered};
use crate::client::ClientError;
use crate::client::output::printable;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The first and the longest wait before a request is sent again.
const RETRY_WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// A longer Retry-After is not waited for: a person is watching the command.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Sends requests to one running system.
#[derive(Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    base: BaseUrl,
}

impl Api {
    /// Returns a client for the system at `base`, which sends `token` as `Authorization: Bearer`.
    ///
    /// # Errors
    /// [`ClientError::Token`] if the token cannot be a header value, [`ClientError::Setup`] if TLS cannot be set up.
    pub(crate) fn new(base: BaseUrl, token: Option<&str>) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("orderflow/", env!("CARGO_PKG_VERSION")))
            .default_headers(authorization(token)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A redirected POST would arrive as a GET.
            .redirect(Policy::none());
        if base.is_loopback() {
            builder = builder.no_proxy();
        }
        if !base.is_https() {
            // Without this, a container image without root certificates could not query its own /health.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(ClientError::Setup)?;
        Ok(Self { http, base })
    }

    /// Sends a request once and returns the response, whatever its status.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] or [`ClientError::NoResponse`].
    pub(crate) async fn send(&self, request: &ApiRequest) -> Result<ApiResponse, ClientError> {
        let url = self.base.join(&request.path, &request.query);
        let mut builder = self.http.request(request.method.clone(), url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.json(body);
        } else if !request.method.is_safe() {
            // The server refuses what an HTML form could send.
            builder = builder.header(CONTENT_TYPE, "application/json");
        }
        let response = match builder.send().await {
            Ok(response) => ApiResponse::read(self.base.to_string(), response).await,
            Err(error) => Err(error),
        };
        response.map_err(|source| self.failed(source))
    }

    /// Sends a request, again after transient failures as often as the request allows, and returns the successful response.
    ///
    /// # Errors
    /// The last failure, or the problem with which the server refused the request.
    pub(crate) async fn fetch(&self, request: &ApiRequest) -> Result<ApiResponse, ClientError> {
        let (first, cap) = RETRY_WAITS;
        let mut backoff = Backoff::new(first, cap);
        for _ in 1..request.attempts {
            let result = self.send(request).await;
            match wait_before_retry(&result, &mut backoff) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return accepted(result?, request),
            }
        }
        accepted(self.send(request).await?, request)
    }

    fn failed(&self, source: reqwest::Error) -> ClientError {
        let url = self.base.to_string();
        if source.is_connect() {
            ClientError::Unreachable { url, source }
        } else {
            ClientError::NoResponse { url, source }
        }
    }
}

/// Returns the response if it is a success, and names the member that does not exist.
fn accepted(response: ApiResponse, request: &ApiRequest) -> Result<ApiResponse, ClientError> {
    response.accepted().map_err(|error| match (error, &request.member) {
        (ClientError::Problem(problem), Some((kind, id))) if problem.slug() == "not-found" => {
            ClientError::Missing { kind, id: printable(id) }
        }
        (error, _) => error,
    })
}

fn authorization(token: Option<&str>) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(|_| ClientError::Token)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// Returns how long to wait before the next attempt, or `None` if the result is final.
fn wait_before_retry(result: &Result<ApiResponse, ClientError>, backoff: &mut Backoff) -> Option<Duration> {
    match result {
        Ok(response) if response.is_transient() => match response.retry_after {
            Some(wait) => (wait <= LONGEST_RETRY_AFTER).then_some(wait),
            None => Some(jittered(backoff.step())),
        },
        Ok(_) => None,
        Err(_) => Some(jittered(backoff.step())),
    }
}
