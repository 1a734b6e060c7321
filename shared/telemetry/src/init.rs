//! Sets up the process's logging.

use std::env;
use std::io;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{LogFormat, TelemetryError, layer};

const RUST_LOG: &str = "RUST_LOG";
const DEFAULT_FILTER: &str = "info";

/// Sends this process's logs to standard error as `service`, at the levels of `RUST_LOG` (default
/// `info`).
///
/// # Errors
/// [`TelemetryError::InvalidSetting`] if `RUST_LOG` is no list of filter directives, and
/// [`TelemetryError::AlreadyInitialised`] the second time in one process.
pub fn init(service: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let directives = env::var_os(RUST_LOG).map(|value| value.to_string_lossy().into_owned());
    tracing_subscriber::registry()
        .with(filter(directives.as_deref())?)
        .with(filter_fn(|metadata| may_be_logged(metadata.target(), *metadata.level())))
        .with(layer(service, format, io::stderr))
        .try_init()
        .map_err(|_| TelemetryError::AlreadyInitialised)
}

/// Libraries log whole requests and answers at trace level, and with them addresses and payment tokens: whatever `RUST_LOG` says, that
/// level is for this system's own code.
fn may_be_logged(target: &str, level: Level) -> bool {
    level != Level::TRACE || target.starts_with("orderflow")
}

fn filter(directives: Option<&str>) -> Result<EnvFilter, TelemetryError> {
    let directives = directives.filter(|directives| !directives.trim().is_empty()).unwrap_or(DEFAULT_FILTER);
    EnvFilter::builder().parse(directives).map_err(|error| TelemetryError::InvalidSetting {
        setting: RUST_LOG,
        value: directives.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

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
        assert!(!may_be_logged("aws_smithy_runtime::client::orchestrator", Level::TRACE));
        assert!(may_be_logged("aws_smithy_runtime::client::orchestrator", Level::DEBUG));
        assert!(may_be_logged("orderflow_inventory::commit", Level::TRACE));
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
