//! What every bundle on Lambda does around its handler: logs, metrics and spans, SDK configuration, the store, a warm connection, and the loop that
//! asks the Lambda runtime for work. A bundle's `main` builds its handler and passes it to [`Bundle`].

mod flush;
mod http;
mod queue;
mod sdk_config;

use std::process;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lambda_events::dynamodb::Event as StreamEvent;
use axum::Router;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Context, LambdaEvent, Runtime, service_fn};
use orderflow_auth::Access;
use orderflow_http::with_fallbacks;
use orderflow_messaging::{Consumer, RetryPolicy};
use orderflow_settings::declared::{
    GLOBAL_RATE_LIMIT, MAX_IN_FLIGHT, RATE_BURST, RATE_LIMIT, TRUSTED_PROXIES,
};
use orderflow_settings::{EXIT_CODE, Reader, Refused, Setting, Snapshot, defaults};
use orderflow_sqs::QueueUrls;
use orderflow_store::{DynamoDb, Store, TableDefinition, read_prefix};
use orderflow_telemetry::{EmbeddedMetrics, TelemetrySettings};
use serde::de::IgnoredAny;

use flush::Flush;
use http::HttpEvent;
use queue::{QueueEvent, QueueHost, consumer_queues, read_queue_urls};
use sdk_config::{Endpoints, sdk_config};

pub use lambda_runtime::Error;

/// How long before its deadline a function stops and reports what is not done.
const MARGIN: Duration = Duration::from_millis(500);

/// The longest timeout of a function (AWS quota), used with emulators that have none.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How a bundle that a queue triggers delivers its messages.
#[derive(Debug)]
pub struct QueueSettings {
    retry: RetryPolicy,
    urls: Option<QueueUrls>,
}

impl QueueSettings {
    /// Reads the retry policy, `QUEUE_URL` and `DEAD_LETTER_QUEUE_URL`.
    ///
    /// # Errors
    /// [`Refused`] where only one of the queues is given.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let retry = RetryPolicy::read(reader);
        Ok(Self { retry, urls: read_queue_urls(reader)? })
    }
}

/// The settings that every bundle reads.
struct BundleSettings {
    telemetry: TelemetrySettings,
    prefix: String,
    endpoints: Endpoints,
}

/// The limits of the program, which functions do not have.
const LIMITS: [&Setting; 5] =
    [&RATE_LIMIT, &RATE_BURST, &GLOBAL_RATE_LIMIT, &MAX_IN_FLIGHT, &TRUSTED_PROXIES];

impl BundleSettings {
    fn read(reader: &mut Reader<'_>) -> Self {
        reader.refuse_given(LIMITS, |name| {
            format!("{name}: functions limit no requests; set ApiRateLimit, ApiBurstLimit and ApiConcurrency of the template")
        });
        Self {
            telemetry: TelemetrySettings::read(reader),
            prefix: read_prefix(reader),
            endpoints: Endpoints::read(reader),
        }
    }
}

/// A bundle in a process that the Lambda service or an emulator started.
pub struct Bundle {
    aws: aws_config::SdkConfig,
    store: Store,
    flush: Flush,
}

impl Bundle {
    /// Reads the settings of the bundle from the environment, starts logs, metrics and spans, and connects to the store. `settings` reads
    /// those that only this bundle has.
    ///
    /// Where settings cannot be used, logs them all in one event and ends the process with [`orderflow_settings::EXIT_CODE`].
    ///
    /// # Errors
    /// Where logs, metrics or spans cannot be started.
    pub async fn start<T>(
        service: &str,
        settings: impl FnOnce(&mut Reader<'_>) -> Result<T, Refused>,
    ) -> Result<(Self, T), Error> {
        let read = orderflow_settings::read(&Snapshot::of_process(), |reader| {
            let bundle = BundleSettings::read(reader);
            Ok((bundle, settings(reader)?))
        });
        let (bundle, settings) = match read {
            Ok(settings) => settings,
            Err(error) => {
                // The settings of the logs may be among those that cannot be used.
                let telemetry = orderflow_telemetry::init(service, defaults(TelemetrySettings::read))?;
                tracing::error!(error = %error, "settings cannot be used");
                // The end of the process waits for no thread, and the log has one of its own.
                drop(telemetry);
                process::exit(EXIT_CODE.into());
            }
        };
        let telemetry = orderflow_telemetry::init(service, bundle.telemetry)?;
        let flush = Flush::new(telemetry, EmbeddedMetrics::install(service)?);
        let aws = sdk_config(bundle.endpoints).await;
        let store = Store::new(Arc::new(DynamoDb::for_functions(&aws)), bundle.prefix);
        Ok((Self { aws, store, flush }, settings))
    }

    /// Returns the SDK configuration.
    pub fn aws(&self) -> &aws_config::SdkConfig {
        &self.aws
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Reads from a table once, so that TLS and credentials are ready before the first event. A failure is only logged.
    pub async fn warm(&self, table: &'static TableDefinition) {
        if let Err(error) = self.store.table(table).touch().await {
            tracing::warn!(%error, "store does not answer yet");
        }
    }

    /// Serves a consumer's queue until the process receives a stop signal.
    ///
    /// # Errors
    /// If the Lambda runtime cannot be reached.
    pub async fn serve_queue<C: Consumer>(self, consumer: C, settings: QueueSettings) -> Result<(), Error> {
        let queues = settings.urls.map(|urls| consumer_queues(&self.aws, &urls));
        let host = Arc::new(QueueHost::new(consumer, settings.retry, queues));
        let runtime = Runtime::new(service_fn(move |event: LambdaEvent<QueueEvent>| {
            let host = host.clone();
            async move { host.handle(event.payload, Some(time_left(&event.context))).await.map_err(Error::from) }
        }));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }

    /// Serves routes to an HTTP API or a REST API until the process receives a stop signal. A path that the gateway may have read differently
    /// is refused. Tokens are verified as `access` says, whatever the gateway in front has
    /// verified: the gateway decides by the path as the client wrote it.
    ///
    /// # Errors
    /// If the Lambda runtime cannot be reached.
    pub async fn serve_http(self, routes: impl Into<Router>, access: &Access) -> Result<(), Error> {
        access.prepare().await;
        let router = with_fallbacks(access.guard(routes));
        let runtime = Runtime::new(service_fn(move |event: LambdaEvent<HttpEvent>| {
            http::answer(router.clone(), event.payload)
        }));
        runtime.layer(TracingLayer::new()).layer(self.flush).run_concurrent().await
    }

    /// Serves table streams until the process receives a stop signal.
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

    /// Calls `handle` with the time left for each event of a schedule, until the process receives a stop signal.
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
    fn a_limit_that_functions_do_not_have_is_refused() {
        for variable in ["ORDERFLOW_RATE_LIMIT", "ORDERFLOW_GLOBAL_RATE_LIMIT", "ORDERFLOW_MAX_IN_FLIGHT"] {
            let snapshot = Snapshot::from_variables([(variable, "5")]);
            let read = orderflow_settings::read(&snapshot, |reader| Ok(BundleSettings::read(reader)));
            let error = read.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(variable) && error.contains("ApiRateLimit"), "{error}");
        }
        let none = orderflow_settings::read(&Snapshot::default(), |reader| Ok(BundleSettings::read(reader)));
        assert!(none.is_ok());
    }

    #[test]
    fn a_deadline_of_1970_is_ignored() {
        let mut context = Context::default();
        context.deadline = 600_000;
        assert_eq!(time_left(&context), LONGEST - MARGIN);
        context.deadline = u64::MAX;
        assert!(time_left(&context) > LONGEST);
    }
}
