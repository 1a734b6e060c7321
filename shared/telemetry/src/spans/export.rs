//! Queues ended spans for export.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor};

use super::collector::CollectorClient;
use crate::TelemetryError;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The longest time that a span waits in the queue for others.
const DELAY: Duration = Duration::from_secs(1);

/// The longest time that the end of the process waits for queued spans.
const LAST_EXPORT: Duration = Duration::from_secs(3);

/// The queue of ended spans. Spans that do not fit are dropped, so that ending a span never blocks. Clones share the queue.
#[derive(Debug, Clone)]
pub(crate) struct SpanExport(Arc<BatchSpanProcessor>);

impl SpanExport {
    /// Opens the export to the collector at `OTEL_EXPORTER_OTLP_ENDPOINT`. Returns `None` if that is unset or empty.
    ///
    /// # Errors
    /// [`TelemetryError::InvalidSetting`] if it is not a URL that spans can be sent to.
    pub(crate) fn from_environment(service: &str) -> Result<Option<Self>, TelemetryError> {
        let endpoint = env::var(ENDPOINT).unwrap_or_default();
        if endpoint.trim().is_empty() {
            return Ok(None);
        }
        let exporter = Self::to_collector(service);
        let invalid =
            |reason| TelemetryError::InvalidSetting { setting: ENDPOINT, value: endpoint.clone(), reason };
        exporter.map(Some).map_err(invalid)
    }

    /// Builds the exporter, which reads the endpoint and OpenTelemetry's other variables, such as those of headers, itself.
    fn to_collector(service: &str) -> Result<Self, String> {
        let client = CollectorClient::new().map_err(|error| error.to_string())?;
        // The span is dropped: nothing waits for a collector that is down.
        let exporter = SpanExporter::builder().with_http().with_http_client(client);
        let exporter = exporter.with_retry_policy(RetryPolicy::disabled()).build();
        let exporter = exporter.map_err(|error| error.to_string())?;
        let config = BatchConfigBuilder::default().with_scheduled_delay(DELAY).build();
        let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        processor.set_resource(&Resource::builder().with_service_name(service.to_owned()).build());
        Ok(Self(Arc::new(processor)))
    }

    pub(crate) fn put(&self, span: SpanData) {
        self.0.on_end(span);
    }

    /// Waits until the queued spans were sent or dropped.
    pub(crate) fn flush(&self) {
        if let Err(error) = self.0.force_flush() {
            tracing::debug!(%error, "spans were dropped");
        }
    }

    /// Sends the queued spans and ends the export.
    pub(crate) fn close(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_EXPORT) {
            tracing::debug!(%error, "spans dropped at shutdown");
        }
    }
}
