//! The HTTP client that sends spans to the collector.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_http::{HttpClient, HttpError};
use rustls::crypto::aws_lc_rs;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// The timeout of a request.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Runs on the exporter's own thread, so that it never waits for a runtime that is busy or has ended.
#[derive(Debug)]
pub(super) struct CollectorClient {
    /// `None` only while the client is dropped.
    runtime: Option<Runtime>,
    connector: HttpsConnector<HttpConnector>,
    out_of_reach: AtomicBool,
}

impl CollectorClient {
    pub(super) fn new() -> io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(aws_lc_rs::default_provider())?
            .https_or_http()
            .enable_http1()
            .build();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime: Some(runtime), connector, out_of_reach: AtomicBool::new(false) })
    }

    /// Sends a request over a new connection. The runtime runs only during a request, so it could not serve a kept connection.
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let stream = self.connector.clone().oneshot(request.uri().clone()).await?;
        to_origin_form(&mut request)?;
        let (mut sender, connection) = http1::handshake(stream).await?;
        let exchange = async {
            let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
            Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
        };
        tokio::select! {
            answer = exchange => answer,
            Err(error) = connection => Err(error.into()),
        }
    }

    /// Logs when the collector becomes unreachable and when it is reachable again, and not each failure.
    fn note(&self, result: &Result<Response<Bytes>, HttpError>) {
        let failure = match result {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answered {}", response.status())),
            Err(error) => Some(error.to_string()),
        };
        let was_out_of_reach = self.out_of_reach.swap(failure.is_some(), Ordering::AcqRel);
        match failure {
            Some(reason) if !was_out_of_reach => {
                tracing::warn!(reason, "collector is unreachable; spans are dropped");
            }
            None if was_out_of_reach => tracing::info!("collector is reachable again"),
            _ => {}
        }
    }
}

impl Drop for CollectorClient {
    /// Shuts the runtime down without waiting: a runtime must not be dropped inside another one, and bundles run inside one.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Moves the host from the URL to the header `Host` and keeps the path, as a server that is not a proxy expects (RFC 9112, section 3.2).
/// A password in the URL is not part of the host.
fn to_origin_form<T>(request: &mut Request<T>) -> Result<(), http::Error> {
    let authority = request.uri().authority().map_or("", Authority::as_str);
    let host = HeaderValue::from_str(authority.rsplit('@').next().unwrap_or_default())?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::try_from(path)?;
    request.headers_mut().insert(HOST, host);
    Ok(())
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = async { tokio::time::timeout(TIMEOUT, self.send(request)).await };
        let runtime = self.runtime.as_ref().expect("the runtime is removed only on drop");
        let result = runtime.block_on(sending).unwrap_or_else(|elapsed| Err(elapsed.into()));
        self.note(&result);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_a_host_header_and_only_the_path() {
        for (url, host, path) in [
            ("http://127.0.0.1:4318/v1/traces", "127.0.0.1:4318", "/v1/traces"),
            ("https://me:secret@collector.example/v1/traces?a=b", "collector.example", "/v1/traces?a=b"),
        ] {
            let mut request = Request::post(url).body(()).unwrap();
            to_origin_form(&mut request).unwrap();
            assert_eq!(
                (request.headers()[HOST].as_bytes(), request.uri().to_string()),
                (host.as_bytes(), path.to_owned())
            );
        }
    }
}
