//! The shape of a log line and how the environment chooses it.

use std::env;
use std::io::IsTerminal;

use crate::TelemetryError;

const LOG_FORMAT: &str = "LOG_FORMAT";

/// The shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// One line of text, for people.
    Pretty,
    /// One line of text with terminal colours.
    Coloured,
}

impl LogFormat {
    /// Reads `LOG_FORMAT` (`json` or `pretty`). Unset or empty, it is pretty where standard error
    /// is a terminal and JSON elsewhere. Pretty lines are coloured on a terminal unless `NO_COLOR`
    /// is set and not empty (<https://no-color.org>).
    ///
    /// # Errors
    /// [`TelemetryError::InvalidSetting`] for any other value of `LOG_FORMAT`.
    pub fn from_env() -> Result<Self, TelemetryError> {
        let pretty = pretty_for_stderr();
        let value = env::var_os(LOG_FORMAT).map(|value| value.to_string_lossy().into_owned());
        Self::choose(value.as_deref(), pretty)
    }

    fn choose(value: Option<&str>, pretty: Option<Self>) -> Result<Self, TelemetryError> {
        match value.unwrap_or_default() {
            "" => Ok(pretty.unwrap_or(Self::Json)),
            "json" => Ok(Self::Json),
            "pretty" => Ok(pretty.unwrap_or(Self::Pretty)),
            other => Err(TelemetryError::InvalidSetting {
                setting: LOG_FORMAT,
                value: other.to_owned(),
                reason: "expected json or pretty".to_owned(),
            }),
        }
    }
}

/// The text format that suits standard error, if it is a terminal.
fn pretty_for_stderr() -> Option<LogFormat> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Some(if no_color { LogFormat::Pretty } else { LogFormat::Coloured })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_follows_the_terminal() {
        assert_eq!(LogFormat::choose(None, None).unwrap(), LogFormat::Json);
        assert_eq!(LogFormat::choose(Some(""), None).unwrap(), LogFormat::Json);
        let terminal = Some(LogFormat::Coloured);
        assert_eq!(LogFormat::choose(None, terminal).unwrap(), LogFormat::Coloured);
    }

    #[test]
    fn a_set_value_wins() {
        let terminal = Some(LogFormat::Coloured);
        assert_eq!(LogFormat::choose(Some("json"), terminal).unwrap(), LogFormat::Json);
        assert_eq!(LogFormat::choose(Some("pretty"), None).unwrap(), LogFormat::Pretty);
        assert_eq!(LogFormat::choose(Some("pretty"), terminal).unwrap(), LogFormat::Coloured);
    }

    #[test]
    fn another_value_is_an_error_that_names_the_setting() {
        let error = LogFormat::choose(Some("xml"), None).unwrap_err();
        assert_eq!(error.to_string(), "LOG_FORMAT=xml is not understood: expected json or pretty");
    }
}
