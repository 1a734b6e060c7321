//! The HTTP client that takes spans to the collector.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use rustls::crypto::aws_lc_rs;
use tokio::runtime::{Builder, Runtime};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Works on the thread of whoever calls it, which is the exporter's own: it never waits for a runtime that is busy or gone.
#[derive(Debug)]
pub(super) struct CollectorClient {
    /// None only while it is dropped.
    runtime: Option<Runtime>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    out_of_reach: AtomicBool,
}

impl CollectorClient {
    pub(super) fn new() -> io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(aws_lc_rs::default_provider())?
            .https_or_http()
            .enable_http1()
            .build();
        // A connection would be looked after only while a request is under way.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime: Some(runtime), client, out_of_reach: AtomicBool::new(false) })
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.client.request(request.map(Full::new)).await?;
        let (parts, body) = sent.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }

    /// Logs when the collector goes and when it is back, not each time that it is not there.
    fn note(&self, result: &Result<Response<Bytes>, HttpError>) {
        let failure = match result {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answered {}", response.status())),
            Err(error) => Some(error.to_string()),
        };
        let was_out_of_reach = self.out_of_reach.swap(failure.is_some(), Ordering::AcqRel);
        match failure {
            Some(reason) if !was_out_of_reach => {
                tracing::warn!(reason, "the collector takes no spans; they are dropped until it does");
            }
            None if was_out_of_reach => tracing::info!("the collector takes spans again"),
            _ => {}
        }
    }
}

impl Drop for CollectorClient {
    /// A runtime must not be waited for in another one, and bundles start inside one.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = async { tokio::time::timeout(TIMEOUT, self.send(request)).await };
        let runtime = self.runtime.as_ref().expect("it is taken only at the end");
        let result = runtime.block_on(sending).unwrap_or_else(|elapsed| Err(elapsed.into()));
        self.note(&result);
        result
    }
}
