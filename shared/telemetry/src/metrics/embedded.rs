//! Metrics as log lines that CloudWatch reads: its Embedded Metric Format.

use std::io::{self, Write};

use metrics_cloudwatch_embedded::{Builder, Collector};

use super::describe;

/// The namespace of all metrics.
const NAMESPACE: &str = "Orderflow";

/// All that this process counts and measures, for where nobody comes to collect it, as on Lambda. The service and a metric's labels are
/// its dimensions. Copies are the same.
#[derive(Clone, Copy)]
pub struct EmbeddedMetrics(&'static Collector);

/// Metrics already go elsewhere in this process.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be written as log lines: {0}")]
pub struct EmbeddedMetricsError(String);

impl EmbeddedMetrics {
    /// Has everything that is recorded from now on go to log lines of `service`.
    ///
    /// # Errors
    /// [`EmbeddedMetricsError`] where metrics already go elsewhere.
    pub fn install(service: &str) -> Result<Self, EmbeddedMetricsError> {
        let builder = Builder::new().cloudwatch_namespace(NAMESPACE);
        let collector = builder.with_dimension("service", service.to_owned()).init();
        let collector = collector.map_err(|error| EmbeddedMetricsError(error.to_string()))?;
        describe();
        Ok(Self(collector))
    }

    /// Writes what changed since the last time: one line for each set of labels, counters by how much they rose, gauges as they are, and of
    /// a histogram up to a hundred values (a limit of the format).
    ///
    /// # Errors
    /// Where `writer` fails; what was to be written is lost.
    pub fn flush(&self, writer: &mut impl Write) -> io::Result<()> {
        let mut lines = Vec::new();
        self.0.flush(&mut lines)?;
        // One write, so that lines of several threads never mix.
        writer.write_all(&lines)?;
        writer.flush()
    }
}
