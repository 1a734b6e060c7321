//! Sets up the process's logging and tracing.

use std::io;
use std::str::FromStr;

use chrono::Utc;
use orderflow_settings::declared::{OTLP_ENDPOINT, RUST_LOG};
use orderflow_settings::{Reader, UnknownVariable};
use tracing::{Level, Metadata};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::audit::is_audit;
use crate::fields::Fields;
use crate::line::Line;
use crate::log_writer::LogWriter;
use crate::spans::{CollectorUrl, SpanExport, SpanLayer, is_exported};
use crate::{LogFormat, TelemetryError, layer};

/// OpenTelemetry's variable for the endpoint of spans alone. It wins over `OTEL_EXPORTER_OTLP_ENDPOINT`.
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

/// OpenTelemetry's variables for headers, which authenticate at the collector.
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];

/// What a process logs and where it sends its spans.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    format: LogFormat,
    levels: Targets,
    collector: Option<CollectorUrl>,
    /// Whether OpenTelemetry's variable for spans alone names another endpoint, which the exporter reads itself.
    has_traces_endpoint: bool,
    unknown_variables: Vec<UnknownVariable>,
}

impl TelemetrySettings {
    /// Reads `LOG_FORMAT`, `RUST_LOG` and `OTEL_EXPORTER_OTLP_ENDPOINT`, and finds the variables that [`init`] warns about.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let sends_headers = HEADERS.iter().any(|name| reader.snapshot().variable(name).is_some());
        if sends_headers && reader.snapshot().is_unencrypted_in_file(&OTLP_ENDPOINT) {
            let _refused = reader.conflict([&OTLP_ENDPOINT], |[url]| {
                format!(
                    "{} is not sent over plain HTTP to another host, because {url} comes from a file: use https://",
                    HEADERS[0]
                )
            });
        }
        Self {
            format: LogFormat::read(reader),
            levels: reader.value(&RUST_LOG, levels),
            collector: reader.optional(&OTLP_ENDPOINT, CollectorUrl::parse),
            has_traces_endpoint: reader.snapshot().variable(TRACES_ENDPOINT).is_some(),
            unknown_variables: reader.snapshot().unknown_variables(),
        }
    }
}

/// The telemetry of this process. Dropping it writes the log lines and sends the spans that are left.
#[derive(Debug)]
#[must_use = "spans are sent while it is kept"]
pub struct Telemetry {
    spans: Option<SpanExport>,
    log: LogWriter,
}

impl Telemetry {
    /// Returns whether spans are sent to a collector.
    pub fn exports_spans(&self) -> bool {
        self.spans.is_some()
    }

    /// Waits until the log lines so far were written, and the spans that ended so far were sent or dropped. Blocks the thread.
    pub fn flush(&self) {
        self.log.flush();
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
        self.log.flush();
    }
}

/// Sends this process's logs to standard error as `service`, and its spans to the collector if there is one. Warns about each variable that
/// looks like a setting and is none. A reader of standard error that stalls stops nothing: lines are dropped and counted until it reads on.
///
/// # Errors
/// [`TelemetryError::Exporter`] if the exporter of spans cannot be built, [`TelemetryError::Thread`] if a thread cannot be started, and [`TelemetryError::AlreadyInitialised`] the second time in one
/// process.
pub fn init(service: &str, settings: TelemetrySettings) -> Result<Telemetry, TelemetryError> {
    let TelemetrySettings { format, levels, collector, has_traces_endpoint, unknown_variables } = settings;
    // Whatever `RUST_LOG` says, the audit log is complete.
    let audited = filter_fn(is_audit).with_max_level_hint(LevelFilter::INFO);
    let logged = levels.and(filter_fn(may_be_logged)).or(audited);
    let spans =
        collector.map(|url| SpanExport::to_collector(service, &url, has_traces_endpoint)).transpose()?;
    let exported = spans.clone().map(|spans| {
        SpanLayer::new(spans).with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::INFO))
    });
    let log = LogWriter::start(io::stderr(), dropped_lines(service, format))?;
    tracing_subscriber::registry()
        .with(layer(service, format, log.clone()).with_filter(logged))
        .with(exported)
        .try_init()
        .map_err(|_| TelemetryError::AlreadyInitialised)?;
    for unknown in unknown_variables {
        tracing::warn!(variable = unknown.variable, nearest = unknown.nearest, "{unknown}");
    }
    Ok(Telemetry { spans, log })
}

/// Returns the line that says how many lines were dropped.
fn dropped_lines(service: &str, format: LogFormat) -> impl Fn(u64) -> String + Send + 'static {
    let service = service.to_owned();
    move |lost| {
        let fields = Fields::default().with("lines", lost);
        let message = "log lines were dropped, because standard error was not read";
        Line { time: Utc::now(), level: Level::WARN, service: &service, message, fields: &fields }
            .in_format(format)
    }
}

/// Libraries log whole requests and answers at trace level, and with them addresses and payment tokens. Whatever `RUST_LOG` says, only this
/// system's own code logs at that level. Spans that are exported are no part of the log.
///
/// RabbitMQ's client logs each broken connection as errors with a dump of its structures. The owner of the connection reports the loss.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    !is_exported(metadata) && is_level_allowed(metadata.target(), *metadata.level())
}

fn is_level_allowed(target: &str, level: Level) -> bool {
    let is_ours = target.starts_with("orderflow");
    (is_ours || level != Level::TRACE) && (!target.starts_with("lapin") || level > Level::WARN)
}

/// Reads levels by target. An `EnvFilter` also knows the fields of spans, and would add an engine for regular expressions to every bundle.
///
/// # Errors
/// Names the part that is neither a level nor `target=level`. A bare word would be a target whose every level is logged, and silence all
/// others: a misspelt level is more likely.
fn levels(text: &str) -> Result<Targets, String> {
    // An empty level would be read as `error`.
    let is_level = |text: &str| !text.is_empty() && LevelFilter::from_str(text).is_ok();
    let is_target = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-.".contains(&byte))
    };
    let is_allowed = |part: &&str| match part.split_once('=') {
        Some((target, level)) => is_target(target) && is_level(level),
        None => is_level(part),
    };
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let refused =
        |part: &str| if part == text.trim() { String::new() } else { format!("{part:?} is neither") };
    if let Some(part) = parts().find(|part| !is_allowed(part)) {
        return Err(refused(part));
    }
    let mut targets = Targets::new();
    for part in parts() {
        let read = Targets::from_str(part).map_err(|_| refused(part))?;
        targets = targets.with_targets(&read);
        if let Some(level) = read.default_level() {
            targets = targets.with_default(level);
        }
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use orderflow_settings::{SettingsError, Snapshot, read};

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<TelemetrySettings, SettingsError> {
        let snapshot = Snapshot::from_variables(variables.iter().copied());
        read(&snapshot, |reader| Ok(TelemetrySettings::read(reader)))
    }

    #[test]
    fn unset_and_empty_mean_info() {
        for (text, targets) in
            [("", "info"), (" ", "info"), ("warn, orderflow_http=debug,", "orderflow_http=debug,warn")]
        {
            assert_eq!(settings(&[("RUST_LOG", text)]).unwrap().levels.to_string(), targets);
        }
    }

    #[test]
    fn libraries_never_log_at_trace_level() {
        assert!(!is_level_allowed("aws_smithy_runtime::client::orchestrator", Level::TRACE));
        assert!(is_level_allowed("aws_smithy_runtime::client::orchestrator", Level::DEBUG));
        assert!(is_level_allowed("orderflow_inventory::commit", Level::TRACE));
        assert!(
            !is_level_allowed("lapin::io_loop", Level::ERROR)
                && !is_level_allowed("lapin::io_loop", Level::WARN)
        );
        assert!(is_level_allowed("lapin::io_loop", Level::INFO));
    }

    #[test]
    fn an_unknown_level_is_refused() {
        for (text, reason) in [
            ("loud", ""),
            ("orderflow=loud", ""),
            ("info,loud", ": \"loud\" is neither"),
            ("a=b=c", ""),
            ("=", ""),
            ("orderflow_http=", ""),
            ("[span]=debug", ""),
        ] {
            let error = settings(&[("RUST_LOG", text)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("RUST_LOG: {text:?} is not a level (off, error,")), "{error}");
            assert!(error.ends_with(&format!("info,orderflow_http=debug{reason}")), "{error}");
        }
    }

    #[test]
    fn a_collector_that_is_no_url_is_refused() {
        for bad in ["127.0.0.1:4318", "ftp://h", "http://", "http://[", "http://a b"] {
            let error = settings(&[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]).unwrap_err().to_string();
            assert!(error.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: "), "{error}");
        }
        assert!(settings(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).unwrap().collector.is_none());
    }

    #[test]
    fn a_second_start_is_refused() {
        let _already = init("first", settings(&[]).unwrap());
        let second = init("second", settings(&[]).unwrap());
        assert!(matches!(second, Err(TelemetryError::AlreadyInitialised)));
    }
}
