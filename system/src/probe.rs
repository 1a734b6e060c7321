//! Finding out what an endpoint is.

use std::time::Duration;

use anyhow::Context;
use orderflow_embedded::HEALTHY;
use reqwest::{Client, Response};
use tokio::time::{Instant, sleep};

use crate::BaseUrl;

/// How long an endpoint may take to answer at all: those that are started together with it begin before it listens.
const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(100);

/// How long one request may take; an address that swallows packets would use up the patience otherwise.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Whether `orderflow store` is behind an endpoint, rather than DynamoDB or an emulator. Waits up to a minute for an answer.
///
/// # Errors
/// Where nobody answers.
pub async fn is_embedded(endpoint: &BaseUrl) -> anyhow::Result<bool> {
    wait_for(endpoint, PATIENCE).await
}

async fn wait_for(endpoint: &BaseUrl, patience: Duration) -> anyhow::Result<bool> {
    let client = client(endpoint)?;
    let deadline = Instant::now() + patience;
    let mut answer = ask(&client, endpoint).await;
    if let Err(error) = &answer {
        tracing::info!(%endpoint, error = format!("{error:#}"), "waiting for the store to answer");
    }
    while answer.is_err() && Instant::now() < deadline {
        sleep(PAUSE).await;
        answer = ask(&client, endpoint).await;
    }
    answer.with_context(|| {
        format!("nobody answers at {endpoint} within {patience:?}; `orderflow store` serves a store there")
    })
}

async fn ask(client: &Client, endpoint: &BaseUrl) -> anyhow::Result<bool> {
    let response = client.get(endpoint.join("/", &[])).send().await?;
    Ok(response.status().is_success() && says_healthy(response).await)
}

/// Only an answer that is as long as the expected one is read: others may be of any length.
async fn says_healthy(response: Response) -> bool {
    let length = u64::try_from(HEALTHY.len()).ok();
    response.content_length() == length && response.text().await.is_ok_and(|text| text == HEALTHY)
}

fn client(endpoint: &BaseUrl) -> anyhow::Result<Client> {
    let mut builder = Client::builder().timeout(ANSWER_WITHIN);
    if endpoint.is_loopback() {
        builder = builder.no_proxy();
    }
    if !endpoint.is_https() {
        // Without this an image that holds no root certificates could not even ask.
        builder = builder.tls_certs_only([]);
    }
    Ok(builder.build()?)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use orderflow_embedded::{Embedded, Location};
    use tokio::net::TcpListener;

    use super::*;

    async fn listener() -> (TcpListener, BaseUrl) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, url.parse().unwrap())
    }

    #[tokio::test]
    async fn the_embedded_store_is_known_as_soon_as_it_answers() {
        let (listener, url) = listener().await;
        let router = Embedded::open(Location::Memory).unwrap().router();
        tokio::spawn(async move {
            for _ in 0..3 {
                drop(listener.accept().await);
            }
            axum::serve(listener, router).await
        });
        assert!(is_embedded(&url).await.unwrap());
    }

    #[tokio::test]
    async fn whatever_else_answers_is_another_store() {
        for answer in ["healthy: dynamodb.us-east-1.amazonaws.com ", "", HEALTHY.trim_end()] {
            let (listener, url) = listener().await;
            let router = Router::new().route("/", get(move || async move { answer }));
            tokio::spawn(axum::serve(listener, router).into_future());
            assert!(!is_embedded(&url).await.unwrap(), "{answer:?}");
        }
        let (listener, url) = listener().await;
        tokio::spawn(axum::serve(listener, Router::new()).into_future());
        assert!(!is_embedded(&url).await.unwrap());
    }

    #[tokio::test]
    async fn an_endpoint_that_never_answers_is_named() {
        let (listener, url) = listener().await;
        drop(listener);
        let error = wait_for(&url, Duration::ZERO).await.unwrap_err();
        assert!(error.to_string().contains(&url.to_string()), "{error:#}");
    }
}
