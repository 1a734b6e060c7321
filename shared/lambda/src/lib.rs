//! What every bundle does around its handler: logs, metrics and spans, SDK configuration, the store, a warm connection, and the loop that
//! asks the Lambda runtime for work. A bundle's `main` builds its ports and hands them over.

mod duration_setting;
mod flush;
mod sdk_config;

use std::time::{Duration, SystemTime};

use aws_lambda_events::dynamodb::Event as StreamEvent;
use axum::Router;
use axum::http::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Context, LambdaEvent, Runtime, service_fn};
use orderflow_messaging::{Consumer, QueueEvent, QueueFunction, RetryPolicy, SqsQueue, SqsSettings};
use orderflow_store::{Store, TableDefinition};
use orderflow_telemetry::{EmbeddedMetrics, LogFormat};
use serde::de::IgnoredAny;
use tower::ServiceExt;

use flush::Flush;

pub use duration_setting::{DurationSettingError, duration_setting};
pub use lambda_runtime::Error;

/// How long before its deadline a function hands back what it has not done.
const MARGIN: Duration = Duration::from_millis(500);

/// AWS's longest time limit, for emulators that have none.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A process of the Lambda service, or of an emulator of it.
pub struct Host {
    aws: aws_config::SdkConfig,
    store: Store,
    flush: Flush,
}

impl Host {
    /// Starts the logs, metrics and spans of the service and connects to what the environment names.
    ///
    /// # Errors
    /// Where a setting cannot be used.
    pub async fn start(service: &str) -> Result<Self, Error> {
        let telemetry = orderflow_telemetry::init(service, LogFormat::from_env()?)?;
        let flush = Flush::new(telemetry, EmbeddedMetrics::install(service)?);
        let aws = sdk_config::sdk_config().await;
        let store = Store::from_environment(&aws);
        Ok(Self { aws, store, flush })
    }

    /// The SDK configuration.
    pub fn aws(&self) -> &aws_config::SdkConfig {
        &self.aws
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A setting that the bundle cannot do without.
    ///
    /// # Errors
    /// Names the variable that is not set.
    pub fn required(&self, name: &str) -> Result<String, Error> {
        std::env::var(name).map_err(|_| format!("the environment variable {name} must be set").into())
    }

    /// Makes one throw-away read, so that the first event does not pay for TLS and credentials.
    pub async fn warm(&self, table: &'static TableDefinition) {
        if let Err(error) = self.store.table(table).touch().await {
            tracing::warn!(%error, "the store does not answer yet");
        }
    }

    /// Serves a consumer's queue until the process is told to stop.
    ///
    /// # Errors
    /// Where the runtime cannot be reached.
    pub async fn serve_queue<C: Consumer>(self, consumer: C) -> Result<(), Error> {
        let sqs = SqsSettings::from_environment()?
            .map(|settings| SqsQueue::new(aws_sdk_sqs::Client::new(&self.aws), settings));
        let function = QueueFunction::new(consumer, RetryPolicy::from_environment()?, sqs);
        let function = std::sync::Arc::new(function);
        let runtime = Runtime::new(service_fn(move |event: LambdaEvent<QueueEvent>| {
            let function = function.clone();
            async move {
                function.answer(event.payload, Some(time_left(&event.context))).await.map_err(Error::from)
            }
        }));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }

    /// Serves a router until the process is told to stop.
    ///
    /// # Errors
    /// Where the runtime cannot be reached.
    pub async fn serve_http(self, router: Router) -> Result<(), Error> {
        let runtime =
            lambda_http::runtime_concurrent(service_fn(move |request| answer(router.clone(), request)));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }

    /// Serves table streams until the process is told to stop.
    ///
    /// # Errors
    /// Where the runtime cannot be reached.
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

    /// Does its work whenever its schedule says so, until the process is told to stop. `handle` is given how long it may take.
    ///
    /// # Errors
    /// Where the runtime cannot be reached.
    pub async fn serve_schedule<F, Fut, E>(self, handle: F) -> Result<(), Error>
    where
        F: Fn(Duration) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        // What a schedule sends says nothing that the clock does not.
        let runtime = Runtime::new(service_fn(move |event: LambdaEvent<IgnoredAny>| {
            let handling = handle(time_left(&event.context));
            async move { handling.await.map_err(Error::from) }
        }));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }
}

/// The router's answer, read to its end: the runtime wants a body that can be shared between threads.
async fn answer(router: Router, request: lambda_http::Request) -> Result<Response<Full<Bytes>>, Error> {
    let (parts, body) = router.oneshot(request).await?.into_parts();
    Ok(Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
}

/// A deadline that is over was never meant: Lambda ends a function at its own, and `cargo lambda watch` names one of 1970.
fn time_left(context: &Context) -> Duration {
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(LONGEST);
    left.saturating_sub(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_of_1970_is_none() {
        let mut context = Context::default();
        context.deadline = 600_000;
        assert_eq!(time_left(&context), LONGEST - MARGIN);
        context.deadline = u64::MAX;
        assert!(time_left(&context) > LONGEST);
    }
}
