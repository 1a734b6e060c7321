//! Detects whether an endpoint is `orderflow store`.

use std::time::Duration;

use anyhow::Context;
use orderflow_store_server::HEALTHY;
use reqwest::{Client, Response};
use tokio::time::{Instant, sleep};

use crate::BaseUrl;

/// How long to wait for the endpoint to answer: processes that are started together with the store begin before it listens.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);

/// The time between two lines about the wait.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// The timeout of one request. Without it, an address that drops packets would use up the whole wait with the first request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns whether the endpoint is `orderflow store`, rather than DynamoDB or an emulator. Waits up to a minute for the first response.
///
/// # Errors
/// If there is no response.
pub async fn is_orderflow_store(endpoint: &BaseUrl) -> anyhow::Result<bool> {
    wait_for(endpoint, STARTUP_TIMEOUT).await
}

async fn wait_for(endpoint: &BaseUrl, timeout: Duration) -> anyhow::Result<bool> {
    let client = client(endpoint, REQUEST_TIMEOUT)?;
    let deadline = Instant::now() + timeout;
    let mut answer = ask(&client, endpoint).await;
    let mut next_report = Instant::now();
    while let Err(error) = &answer
        && Instant::now() < deadline
    {
        if Instant::now() >= next_report {
            tracing::warn!(%endpoint, error = format!("{error:#}"), "waiting for the store to answer");
            next_report = Instant::now() + REPORT_INTERVAL;
        }
        sleep(RETRY_INTERVAL).await;
        answer = ask(&client, endpoint).await;
    }
    answer.with_context(|| {
        format!("no answer from {endpoint} within {timeout:?}; check the URL, or start a store there with `orderflow store`")
    })
}

async fn ask(client: &Client, endpoint: &BaseUrl) -> anyhow::Result<bool> {
    let response = client.get(endpoint.join("/", &[])).send().await?;
    Ok(response.status().is_success() && says_healthy(response).await)
}

/// Reads the body only if its length is the expected one, since other endpoints may send bodies of any length.
async fn says_healthy(response: Response) -> bool {
    let length = u64::try_from(HEALTHY.len()).ok();
    response.content_length() == length && response.text().await.is_ok_and(|text| text == HEALTHY)
}

/// Returns an HTTP client for an endpoint. A request takes at most `timeout`.
pub(crate) fn client(endpoint: &BaseUrl, timeout: Duration) -> anyhow::Result<Client> {
    let mut builder = Client::builder().timeout(timeout);
    if endpoint.is_loopback() {
        builder = builder.no_proxy();
    }
    if !endpoint.is_https() {
        // Without this, a container image without root certificates could not make the request.
        builder = builder.tls_certs_only([]);
    }
    Ok(builder.build()?)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use orderflow_engine::{Engine, Location, Options};
    use tokio::net::TcpListener;

    use super::*;
    use crate::protocol_of;

    async fn listener() -> (TcpListener, BaseUrl) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, url.parse().unwrap())
    }

    #[tokio::test]
    async fn the_embedded_store_is_detected_once_it_answers() {
        let (listener, url) = listener().await;
        let router = protocol_of(Engine::open(Options::new(Location::Memory)).unwrap());
        tokio::spawn(async move {
            for _ in 0..3 {
                drop(listener.accept().await);
            }
            axum::serve(listener, router).await
        });
        assert!(is_orderflow_store(&url).await.unwrap());
    }

    #[tokio::test]
    async fn other_responses_are_not_the_embedded_store() {
        for answer in ["healthy: dynamodb.us-east-1.amazonaws.com ", "", HEALTHY.trim_end()] {
            let (listener, url) = listener().await;
            let router = Router::new().route("/", get(move || async move { answer }));
            tokio::spawn(axum::serve(listener, router).into_future());
            assert!(!is_orderflow_store(&url).await.unwrap(), "{answer:?}");
        }
        let (listener, url) = listener().await;
        tokio::spawn(axum::serve(listener, Router::new()).into_future());
        assert!(!is_orderflow_store(&url).await.unwrap());
    }

    #[tokio::test]
    async fn the_error_names_an_endpoint_that_never_answers() {
        let (listener, url) = listener().await;
        drop(listener);
        let error = wait_for(&url, Duration::ZERO).await.unwrap_err();
        assert!(error.to_string().contains(&url.to_string()), "{error:#}");
    }
}
