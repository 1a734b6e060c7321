//! Queues finished spans and has them exported.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor};

use super::collector::CollectorClient;
use crate::TelemetryError;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// How long a span waits for others at most.
const DELAY: Duration = Duration::from_secs(1);

/// How long the end of the process waits for what is queued.
const LAST_EXPORT: Duration = Duration::from_secs(3);

/// The queue of finished spans. What does not fit into it is dropped: whoever ends a span never waits. Clones are the same queue.
#[derive(Debug, Clone)]
pub(crate) struct SpanExport(Arc<BatchSpanProcessor>);

impl SpanExport {
    /// The export to the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names; none where it is unset or empty.
    ///
    /// # Errors
    /// [`TelemetryError::InvalidSetting`] where it is no URL that spans can be sent to.
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

    /// The exporter itself reads the endpoint, and what else OpenTelemetry names for it, such as headers.
    fn to_collector(service: &str) -> Result<Self, String> {
        let client = CollectorClient::new().map_err(|error| error.to_string())?;
        // Spans that come later are as good: nothing waits for a collector that is down.
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

    /// Waits until what is queued was sent, or could not be.
    pub(crate) fn flush(&self) {
        if let Err(error) = self.0.force_flush() {
            tracing::debug!(%error, "spans were dropped");
        }
    }

    /// Sends what is queued and ends.
    pub(crate) fn close(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_EXPORT) {
            tracing::debug!(%error, "spans were dropped at the end");
        }
    }
}
