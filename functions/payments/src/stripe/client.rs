//! Stripe's API over HTTP.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Url};
use serde::de::DeserializeOwned;

use super::failure::StripeError;
use super::settings::StripeSettings;

/// The version of the API, which determines the form of its answers.
const VERSION: &str = "2024-06-20";

/// The longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends requests to Stripe, each once. [`crate::GuardedGateway`] limits their duration.
#[derive(Debug, Clone)]
pub(super) struct StripeClient {
    http: reqwest::Client,
    base: String,
}

impl StripeClient {
    /// Creates a client.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(super) fn new(settings: &StripeSettings) -> Result<Self, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent("orderflow")
            .default_headers(headers(settings))
            .connect_timeout(CONNECT_TIMEOUT)
            // After a redirect a POST would become a GET.
            .redirect(Policy::none());
        if is_plain(&settings.api_url) {
            // A local stand-in for Stripe needs no proxy and no root certificates, which a container image may lack.
            builder = builder.no_proxy().tls_certs_only([]);
        }
        let base = settings.api_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http: builder.build()?, base })
    }

    /// Reads an object. `path` is the part of the URL after `/v1/`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, StripeError> {
        self.send(self.http.get(self.url(path))).await
    }

    /// Changes an object whose state prevents a second change, so that no idempotency key is needed.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, StripeError> {
        self.send(self.http.post(self.url(path))).await
    }

    /// Creates an object, once for each idempotency key while Stripe remembers keys (24 hours).
    ///
    /// Stripe remembers failures too, and returns them long after their cause is gone. A failure that Stripe replays is
    /// therefore requested again under another key, so the caller must tolerate that two objects are created.
    pub(super) async fn create<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, String)],
        key: &str,
    ) -> Result<T, StripeError> {
        match self.create_under(path, form, key).await {
            Err(StripeError::Failed(failure)) if failure.replayed => {
                self.create_under(path, form, &format!("{key}:{}", orderflow_domain::random_id())).await
            }
            answer => answer,
        }
    }

    async fn create_under<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, String)],
        key: &str,
    ) -> Result<T, StripeError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.url(path)).header("idempotency-key", key);
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, StripeError> {
        let response = request.send().await.map_err(StripeError::of_sending)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(StripeError::of_sending)?;
        if !status.is_success() {
            return Err(StripeError::of_answer(status, &headers, &body));
        }
        serde_json::from_slice(&body).map_err(|error| StripeError::Unanswered(error.to_string()))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.base)
    }
}

fn headers(settings: &StripeSettings) -> HeaderMap {
    let mut key = HeaderValue::from_str(&format!("Bearer {}", settings.api_key.as_str()))
        .expect("an API key consists of visible ASCII characters");
    key.set_sensitive(true);
    let version = HeaderValue::from_static(VERSION);
    [(AUTHORIZATION, key), ("stripe-version".parse().expect("it is a valid header name"), version)]
        .into_iter()
        .collect()
}

fn is_plain(url: &Url) -> bool {
    url.scheme() == "http"
}
