//! The host of every bundle on Lambda: logs, metrics and spans, SDK configuration, the store, a warm connection, and the loop that asks the Lambda
//! runtime for work. A bundle's `main` builds its handler and passes it to [`Host`].

mod duration_setting;
mod flush;
mod queue;
mod sdk_config;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lambda_events::dynamodb::Event as StreamEvent;
use axum::Router;
use axum::http::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Context, LambdaEvent, Runtime, service_fn};
use orderflow_messaging::{Consumer, RetryPolicy};
use orderflow_store::{Store, TableDefinition};
use orderflow_telemetry::{EmbeddedMetrics, LogFormat};
use serde::de::IgnoredAny;
use tower::ServiceExt;

use flush::Flush;
use queue::{QueueEvent, QueueHost, queues_from_environment};

pub use duration_setting::{DurationSettingError, duration_setting};
pub use lambda_runtime::Error;

/// How long before its deadline a function stops and reports what is not done.
const MARGIN: Duration = Duration::from_millis(500);

/// The longest timeout of a function (AWS quota), used with emulators that have none.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A process started by the Lambda service or by an emulator.
pub struct Host {
    aws: aws_config::SdkConfig,
    store: Store,
    flush: Flush,
}

impl Host {
    /// Starts the logs, metrics and spans of the service, and opens the store that the environment names.
    ///
    /// # Errors
    /// If a setting is invalid.
    pub async fn start(service: &str) -> Result<Self, Error> {
        let telemetry = orderflow_telemetry::init(service, LogFormat::from_env()?)?;
        let flush = Flush::new(telemetry, EmbeddedMetrics::install(service)?);
        let aws = sdk_config::sdk_config().await;
        let store = Store::from_environment(&aws);
        Ok(Self { aws, store, flush })
    }

    /// Returns the SDK configuration.
    pub fn aws(&self) -> &aws_config::SdkConfig {
        &self.aws
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Reads a required environment variable.
    ///
    /// # Errors
    /// Names the variable if it is not set.
    pub fn required(&self, name: &str) -> Result<String, Error> {
        std::env::var(name).map_err(|_| format!("the environment variable {name} must be set").into())
    }

    /// Reads from a table once, so that TLS and credentials are ready before the first event. A failure is only logged.
    pub async fn warm(&self, table: &'static TableDefinition) {
        if let Err(error) = self.store.table(table).touch().await {
            tracing::warn!(%error, "store does not answer yet");
        }
    }

    /// Serves a consumer's queue until the process is told to stop.
    ///
    /// # Errors
    /// If a setting is invalid or the Lambda runtime cannot be reached.
    pub async fn serve_queue<C: Consumer>(self, consumer: C) -> Result<(), Error> {
        let queues = queues_from_environment(&self.aws)?;
        let host = Arc::new(QueueHost::new(consumer, RetryPolicy::from_environment()?, queues));
        let runtime = Runtime::new(service_fn(move |event: LambdaEvent<QueueEvent>| {
            let host = host.clone();
            async move { host.handle(event.payload, Some(time_left(&event.context))).await.map_err(Error::from) }
        }));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }

    /// Serves a router until the process is told to stop.
    ///
    /// # Errors
    /// If the Lambda runtime cannot be reached.
    pub async fn serve_http(self, router: Router) -> Result<(), Error> {
        let runtime =
            lambda_http::runtime_concurrent(service_fn(move |request| answer(router.clone(), request)));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }

    /// Serves table streams until the process is told to stop.
    ///
    /// # Errors
    /// If the Lambda runtime cannot be reached.
    pub async fn serve_stream<F, Fut, E>(self, handle: F) -> Result<(), Error>
    where
        F: Fn(StreamEvent) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let runtime = Runtime::new(service_fn(move |event: LambdaEvent<StreamEvent>| {
            let handling = handle(event.payload);
            async move { handling.await.map_err(Error::from) }
        }));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }

    /// Calls `handle` with the time left for each event of a schedule, until the process is told to stop.
    ///
    /// # Errors
    /// If the Lambda runtime cannot be reached.
    pub async fn serve_schedule<F, Fut, E>(self, handle: F) -> Result<(), Error>
    where
        F: Fn(Duration) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        // The content of a schedule's event is not used.
        let runtime = Runtime::new(service_fn(move |event: LambdaEvent<IgnoredAny>| {
            let handling = handle(time_left(&event.context));
            async move { handling.await.map_err(Error::from) }
        }));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }
}

/// Returns the router's response with a complete body: the runtime requires one that is `Sync`.
async fn answer(router: Router, request: lambda_http::Request) -> Result<Response<Full<Bytes>>, Error> {
    let (parts, body) = router.oneshot(request).await?.into_parts();
    Ok(Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
}

/// Returns the time left before the deadline, less a margin. A past deadline is ignored: Lambda ends a function at its deadline, and `cargo lambda
/// watch` sends one of 1970.
fn time_left(context: &Context) -> Duration {
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(LONGEST);
    left.saturating_sub(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_of_1970_is_ignored() {
        let mut context = Context::default();
        context.deadline = 600_000;
        assert_eq!(time_left(&context), LONGEST - MARGIN);
        context.deadline = u64::MAX;
        assert!(time_left(&context) > LONGEST);
    }
}
