//! Colours, on terminals only.

use std::ffi::OsStr;
use std::io::IsTerminal;

use orderflow_settings::Snapshot;

/// What a text is, which decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As the terminal shows text.
    Plain,
    /// The title of a part.
    Heading,
    /// What the program does or the user can do.
    Accent,
    /// A detail.
    Faint,
    /// Success.
    Good,
    /// A failure.
    Bad,
}

/// Whether texts are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    /// They are, by the escape sequences of ECMA-48, section 8.3.117.
    On,
    /// They are written as they are.
    Off,
}

impl Colours {
    /// Decides for standard output: a terminal shows colours, unless the environment has `NO_COLOR` (<https://no-color.org>) or a terminal that
    /// has none.
    pub(crate) fn of_stdout(environment: &Snapshot) -> Self {
        Self::decide(
            std::io::stdout().is_terminal(),
            environment.variable("NO_COLOR"),
            environment.variable("TERM"),
        )
    }

    fn decide(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let is_unwanted = no_color.is_some_and(|value| !value.is_empty());
        let has_none = term.is_some_and(|term| term == "dumb");
        if is_terminal && !is_unwanted && !has_none { Self::On } else { Self::Off }
    }

    /// Returns the text with the escape sequences of a style around it.
    pub(crate) fn paint(self, text: &str, style: Style) -> String {
        let code = match style {
            Style::Plain => None,
            Style::Heading => Some("1"),
            Style::Accent => Some("36"),
            Style::Faint => Some("2"),
            Style::Good => Some("32"),
            Style::Bad => Some("31"),
        };
        match (self, code) {
            (Self::On, Some(code)) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_that_wants_colours_gets_them() {
        let decide = |is_terminal, no_color: Option<&str>, term: Option<&str>| {
            Colours::decide(is_terminal, no_color.map(OsStr::new), term.map(OsStr::new))
        };
        assert_eq!(decide(true, None, Some("xterm")), Colours::On);
        assert_eq!(decide(true, Some(""), None), Colours::On);
        for (is_terminal, no_color, term) in [
            (false, None, None),
            (true, Some("1"), None),
            (true, Some("0"), None),
            (true, None, Some("dumb")),
        ] {
            assert_eq!(decide(is_terminal, no_color, term), Colours::Off);
        }
    }

    #[test]
    fn a_painted_text_ends_its_colour() {
        assert_eq!(Colours::On.paint("a", Style::Good), "\u{1b}[32ma\u{1b}[0m");
        assert_eq!(Colours::On.paint("a", Style::Plain), "a");
        assert_eq!(Colours::Off.paint("a", Style::Bad), "a");
    }
}
