//! The form of a log line.

use std::io::IsTerminal;

use orderflow_settings::declared::LOG_FORMAT;
use orderflow_settings::{Reader, Snapshot};

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// One line of text, for people.
    Pretty,
    /// One line of text with terminal colours.
    Coloured,
}

impl LogFormat {
    /// Reads `LOG_FORMAT` (`json` or `pretty`). Where it is not set, lines are pretty if standard error is a terminal, and JSON otherwise.
    /// Pretty lines are coloured on a terminal unless `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let pretty = pretty_for_stderr(reader.snapshot());
        Self::choose(reader.one_of(&LOG_FORMAT), pretty)
    }

    /// Returns the form of a line on standard error where no setting says otherwise.
    pub fn for_stderr(snapshot: &Snapshot) -> Self {
        Self::choose(None, pretty_for_stderr(snapshot))
    }

    fn choose(word: Option<&str>, pretty: Option<Self>) -> Self {
        match word {
            None => pretty.unwrap_or(Self::Json),
            Some("pretty") => pretty.unwrap_or(Self::Pretty),
            Some(_) => Self::Json,
        }
    }
}

/// Returns the text format that suits standard error, if it is a terminal.
fn pretty_for_stderr(snapshot: &Snapshot) -> Option<LogFormat> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let no_color = snapshot.variable("NO_COLOR").is_some();
    Some(if no_color { LogFormat::Pretty } else { LogFormat::Coloured })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_follows_the_terminal() {
        assert_eq!(LogFormat::choose(None, None), LogFormat::Json);
        let terminal = Some(LogFormat::Coloured);
        assert_eq!(LogFormat::choose(None, terminal), LogFormat::Coloured);
    }

    #[test]
    fn a_set_value_wins() {
        let terminal = Some(LogFormat::Coloured);
        assert_eq!(LogFormat::choose(Some("json"), terminal), LogFormat::Json);
        assert_eq!(LogFormat::choose(Some("pretty"), None), LogFormat::Pretty);
        assert_eq!(LogFormat::choose(Some("pretty"), terminal), LogFormat::Coloured);
    }

    #[test]
    fn another_value_is_an_error_that_names_the_setting() {
        let snapshot = Snapshot::from_variables([("LOG_FORMAT", "xml")]);
        let error = orderflow_settings::read(&snapshot, |reader| Ok(LogFormat::read(reader)));
        let text = error.map_err(|error| error.to_string());
        assert_eq!(text, Err(r#"LOG_FORMAT: "xml" is not one of json, pretty"#.to_owned()));
    }
}
