//! Metrics as log lines in CloudWatch's Embedded Metric Format.

use std::io::{self, Write};

use metrics_cloudwatch_embedded::{Builder, Collector};

use super::describe;
use super::merged::merged;

/// The namespace of all metrics.
const NAMESPACE: &str = "Orderflow";

/// The metrics of this process as log lines, for Lambda, where no collector can read a page. The service and the labels of a metric are
/// its dimensions. Clones share the metrics.
#[derive(Clone, Copy)]
pub struct EmbeddedMetrics(&'static Collector);

/// This process already has a recorder of metrics.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be written as log lines: {0}")]
pub struct EmbeddedMetricsError(String);

impl EmbeddedMetrics {
    /// Installs the recorder for this process: metrics recorded from now on are written as log lines of `service`.
    ///
    /// # Errors
    /// [`EmbeddedMetricsError`] if the process already has a recorder.
    pub fn install(service: &str) -> Result<Self, EmbeddedMetricsError> {
        let builder = Builder::new().cloudwatch_namespace(NAMESPACE);
        let collector = builder.with_dimension("service", service.to_owned()).init();
        let collector = collector.map_err(|error| EmbeddedMetricsError(error.to_string()))?;
        describe();
        Ok(Self(collector))
    }

    /// Writes the changes since the last call: the increase of counters, the value of gauges, and up to a hundred values of each histogram (a limit
    /// of the format). Sets of labels share a line where none of their labels and metrics has two values.
    ///
    /// # Errors
    /// `writer` fails; the changes are lost.
    pub fn flush(&self, writer: &mut impl Write) -> io::Result<()> {
        let mut lines = Vec::new();
        self.0.flush(&mut lines)?;
        // A single write, so that lines of several threads never mix.
        writer.write_all(&merged(&lines))?;
        writer.flush()
    }
}
