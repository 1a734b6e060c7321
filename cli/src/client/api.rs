//! The HTTP client.

use std::time::Duration;

use orderflow_system::BaseUrl;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;

use super::ClientError;
use super::answer::Answer;
use super::call::Call;
use super::pace::{Pace, jittered};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The first and the longest wait before a request is sent again.
const RETRY_WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// The longest that a server's Retry-After is obeyed; a person is waiting.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Sends requests to one system.
#[derive(Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    base: BaseUrl,
}

impl Api {
    /// A client for the system at `base`.
    ///
    /// # Errors
    /// Where the token cannot be a header or TLS cannot be set up.
    pub(crate) fn new(base: BaseUrl, token: Option<&str>) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("orderflow/", env!("CARGO_PKG_VERSION")))
            .default_headers(authorization(token)?)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            // A redirected POST would arrive as a GET.
            .redirect(Policy::none());
        if base.is_loopback() {
            builder = builder.no_proxy();
        }
        if !base.is_https() {
            // Without this an image that holds no root certificates could not even ask its own /health.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(ClientError::Setup)?;
        Ok(Self { http, base })
    }

    /// Sends a request once and takes any answer.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, ClientError> {
        let mut request = self.http.request(call.method.clone(), self.base.join(&call.path, &call.query));
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let answer = match request.send().await {
            Ok(response) => Answer::read(self.base.to_string(), response).await,
            Err(error) => Err(error),
        };
        answer.map_err(|source| self.failed(source))
    }

    /// Sends a request, as often as it may be, until the answer is more than "not now".
    ///
    /// # Errors
    /// The last failure, or what the server refused it with.
    pub(crate) async fn fetch(&self, call: &Call) -> Result<Answer, ClientError> {
        let (first, cap) = RETRY_WAITS;
        let mut pace = Pace::new(first, cap);
        for _ in 1..call.attempts {
            let result = self.send(call).await;
            match wait_before_next(&result, &mut pace) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return result?.accepted(),
            }
        }
        self.send(call).await?.accepted()
    }

    fn failed(&self, source: reqwest::Error) -> ClientError {
        let url = self.base.to_string();
        if source.is_connect() {
            ClientError::Unreachable { url, source }
        } else {
            ClientError::NoAnswer { url, source }
        }
    }
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

/// How long to wait before the next try; `None` where this result stands.
fn wait_before_next(result: &Result<Answer, ClientError>, pace: &mut Pace) -> Option<Duration> {
    match result {
        Ok(answer) if answer.is_transient() => match answer.retry_after {
            Some(wait) => (wait <= LONGEST_RETRY_AFTER).then_some(wait),
            None => Some(jittered(pace.step())),
        },
        Ok(_) => None,
        Err(_) => Some(jittered(pace.step())),
    }
}
