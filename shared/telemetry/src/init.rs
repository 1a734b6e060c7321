//! Sets up the process's logging and tracing.

use std::env;
use std::io;
use std::str::FromStr;

use tracing::{Level, Metadata};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::spans::{SpanExport, SpanLayer, is_exported};
use crate::{LogFormat, TelemetryError, layer};

const RUST_LOG: &str = "RUST_LOG";
const DEFAULT_FILTER: &str = "info";

/// What this process tells of itself, while it is kept. Dropped, it sends the spans that are left.
#[derive(Debug)]
#[must_use = "spans are sent while it is kept"]
pub struct Telemetry {
    spans: Option<SpanExport>,
}

impl Telemetry {
    /// Whether there is a collector that spans are sent to.
    pub fn exports_spans(&self) -> bool {
        self.spans.is_some()
    }

    /// Waits until the spans that ended so far were sent, or could not be. Blocks the thread.
    pub fn flush(&self) {
        if let Some(spans) = &self.spans {
            spans.flush();
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(spans) = &self.spans {
            spans.close();
        }
    }
}

/// Sends this process's logs to standard error as `service`, at the levels of `RUST_LOG` (default
/// `info`), and its spans to the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names, if it names one.
///
/// # Errors
/// [`TelemetryError::InvalidSetting`] if `RUST_LOG` is no list of levels and `target=level`s or the collector's endpoint no URL, and
/// [`TelemetryError::AlreadyInitialised`] the second time in one process.
pub fn init(service: &str, format: LogFormat) -> Result<Telemetry, TelemetryError> {
    let directives = env::var_os(RUST_LOG).map(|value| value.to_string_lossy().into_owned());
    let logged = filter(directives.as_deref())?.and(filter_fn(may_be_logged));
    let spans = SpanExport::from_environment(service)?;
    let exported = spans.clone().map(|spans| {
        SpanLayer::new(spans).with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::INFO))
    });
    tracing_subscriber::registry()
        .with(layer(service, format, io::stderr).with_filter(logged))
        .with(exported)
        .try_init()
        .map_err(|_| TelemetryError::AlreadyInitialised)?;
    Ok(Telemetry { spans })
}

/// Libraries log whole requests and answers at trace level, and with them addresses and payment tokens: whatever `RUST_LOG` says, that
/// level is for this system's own code. Spans that are made to be exported are no part of the log.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    !is_exported(metadata) && is_level_allowed(metadata.target(), *metadata.level())
}

fn is_level_allowed(target: &str, level: Level) -> bool {
    level != Level::TRACE || target.starts_with("orderflow")
}

/// Levels by target, which is all that is asked for in practice. What more an `EnvFilter` knows, fields of spans, would cost every bundle an
/// engine for regular expressions.
fn filter(directives: Option<&str>) -> Result<Targets, TelemetryError> {
    let directives = directives.filter(|directives| !directives.trim().is_empty()).unwrap_or(DEFAULT_FILTER);
    Targets::from_str(directives).map_err(|error| TelemetryError::InvalidSetting {
        setting: RUST_LOG,
        value: directives.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_and_empty_mean_info() {
        assert_eq!(filter(None).unwrap().to_string(), "info");
        assert_eq!(filter(Some(" ")).unwrap().to_string(), "info");
        assert_eq!(
            filter(Some("warn,orderflow_http=debug")).unwrap().to_string(),
            "orderflow_http=debug,warn"
        );
    }

    #[test]
    fn libraries_never_log_at_trace_level() {
        assert!(!is_level_allowed("aws_smithy_runtime::client::orchestrator", Level::TRACE));
        assert!(is_level_allowed("aws_smithy_runtime::client::orchestrator", Level::DEBUG));
        assert!(is_level_allowed("orderflow_inventory::commit", Level::TRACE));
    }

    #[test]
    fn a_bad_filter_is_an_error_that_names_the_setting() {
        let error = filter(Some("orderflow=loud")).unwrap_err();
        assert!(error.to_string().starts_with("RUST_LOG=orderflow=loud"), "{error}");
    }

    #[test]
    fn a_second_start_is_refused() {
        let _already = init("first", LogFormat::Json);
        assert!(matches!(init("second", LogFormat::Json), Err(TelemetryError::AlreadyInitialised)));
    }
}
