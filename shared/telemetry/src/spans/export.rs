//! Queues ended spans for export.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor};
use orderflow_errors::url_without_secrets;
use orderflow_settings::NotAllowed;

use super::collector::CollectorClient;
use crate::TelemetryError;

/// The longest time that a span waits in the queue for others.
const DELAY: Duration = Duration::from_secs(1);

/// The longest time that the end of the process waits for queued spans.
const LAST_EXPORT: Duration = Duration::from_secs(3);

/// The queue of ended spans. Spans that do not fit are dropped, so that ending a span never blocks. Clones share the queue.
#[derive(Debug, Clone)]
pub(crate) struct SpanExport(Arc<BatchSpanProcessor>);

/// The address of a collector, without `/v1/traces`.
#[derive(Clone)]
pub(crate) struct CollectorUrl(String);

/// Writes the address without its credentials.
impl fmt::Debug for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CollectorUrl({:?})", url_without_secrets(&self.0).unwrap_or_default())
    }
}

impl CollectorUrl {
    /// Reads a URL that begins with `http://` or `https://`.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAllowed> {
        let text = text.trim();
        let uri: Uri = text.parse().map_err(|_| NotAllowed)?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        if is_http && uri.host().is_some_and(|host| !host.is_empty()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAllowed)
        }
    }

    /// The address that spans are posted to: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp>.
    fn traces(&self) -> String {
        format!("{}/v1/traces", self.0.trim_end_matches('/'))
    }
}

impl SpanExport {
    /// Starts the export to a collector. The exporter itself reads the other variables of OpenTelemetry, such as those of headers.
    ///
    /// # Errors
    /// [`TelemetryError::Exporter`] if the exporter cannot be built.
    pub(crate) fn to_collector(
        service: &str,
        collector: &CollectorUrl,
        has_traces_endpoint: bool,
    ) -> Result<Self, TelemetryError> {
        let failed = |error: String| TelemetryError::Exporter(error);
        let client = CollectorClient::new().map_err(|error| failed(error.to_string()))?;
        let exporter = SpanExporter::builder().with_http().with_http_client(client);
        // A failed export is not repeated: later spans are as useful, and nothing waits for a collector that is down.
        let exporter = exporter.with_retry_policy(RetryPolicy::disabled());
        let exporter =
            if has_traces_endpoint { exporter } else { exporter.with_endpoint(collector.traces()) };
        let exporter = exporter.build().map_err(|error| failed(error.to_string()))?;
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
