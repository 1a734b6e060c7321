//! Counts what functions log on Lambda: their log lines, and their metrics in the Embedded Metric Format.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use orderflow_telemetry::{EmbeddedMetrics, LogFormat, layer};
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// The default of `LogLevel` in the template.
const LEVEL: LevelFilter = LevelFilter::WARN;

/// The metrics of this process; `None` if it already has another recorder.
static METRICS: OnceLock<Option<EmbeddedMetrics>> = OnceLock::new();

/// The number of bytes that were written.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogBytes(Arc<AtomicU64>);

impl LogBytes {
    /// Counts, instead of writing it, what `work` logs with the level that functions have by default.
    pub(crate) fn count<T>(&self, work: impl FnOnce() -> T) -> T {
        let lines = layer("function", LogFormat::Json, self.clone());
        let subscriber = tracing_subscriber::registry().with(LEVEL).with(lines);
        dispatcher::with_default(&Dispatch::new(subscriber), work)
    }

    /// Counts the metrics since the last call, as a function writes them after each call.
    pub(crate) fn count_metrics(&self) {
        let metrics = METRICS.get_or_init(|| EmbeddedMetrics::install("function").ok());
        if let Some(metrics) = metrics {
            // Counting does not fail.
            let _counted = metrics.flush(&mut self.clone());
        }
    }

    /// Returns the bytes since the last call.
    pub(crate) fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Write for LogBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogBytes {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
