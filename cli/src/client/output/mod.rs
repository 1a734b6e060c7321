//! What commands write: data to stdout, everything else to stderr.

pub(crate) mod chart;
pub(crate) mod json_text;
pub(crate) mod listing;
pub(crate) mod question;
pub(crate) mod style;
mod table;
pub(crate) mod width;

use std::fmt;
use std::io::{self, Write};

use orderflow_domain::text::{escaped, escaped_json};
use orderflow_errors::without_credentials;
pub(crate) use table::Table;

/// Where a command writes: data and notes. Unlike `println!`, it returns an error if the reader has closed the pipe.
pub struct Output {
    data: Box<dyn Write>,
    notes: Box<dyn Write>,
}

impl Output {
    /// Makes an output that writes data to `data` and notes to `notes`.
    pub fn new(data: Box<dyn Write>, notes: Box<dyn Write>) -> Self {
        Self { data, notes }
    }

    /// Makes an output of stdout for data and stderr for notes.
    #[must_use]
    pub fn standard() -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Writes a line of data, which may contain line breaks. Characters that are not visible are escaped.
    ///
    /// # Errors
    /// If it cannot be written; [`io::ErrorKind::BrokenPipe`] if the reader has closed the pipe.
    pub fn line(&mut self, line: impl fmt::Display) -> io::Result<()> {
        writeln!(self.data, "{}", printable_lines(&line.to_string()))
    }

    /// Writes JSON text on a line. Characters that are not visible are escaped as `\u` and four digits, which means the same.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn json(&mut self, json: &str) -> io::Result<()> {
        writeln!(self.data, "{}", escaped_json(json))
    }

    /// Writes bytes of data as they are.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data.write_all(bytes)
    }

    /// Flushes buffered data.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn flush(&mut self) -> io::Result<()> {
        self.data.flush()
    }

    /// Writes a line that is not data, without credentials of URLs. A failure is ignored: there is no other place to report it.
    pub fn note(&mut self, line: impl fmt::Display) {
        let _ = writeln!(self.notes, "{}", printable_lines(&without_credentials(&line.to_string())));
    }
}

/// Escapes each character that is not visible or changes how others are shown, so that text from a server cannot control the terminal.
pub(crate) fn printable(text: &str) -> String {
    escaped(text).into_owned()
}

/// Escapes as [`printable`], but keeps line breaks: a line of output that earlier code has already arranged.
fn printable_lines(text: &str) -> String {
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn characters_that_are_not_visible_are_escaped() {
        assert_eq!(printable("a\u{1b}[2J\nü\u{202e}"), r"a\u{1b}[2J\nü\u{202e}");
    }

    #[test]
    fn every_line_is_safe_on_a_terminal() {
        let (data, notes) = (Written::default(), Written::default());
        let mut output = Output::new(Box::new(data.clone()), Box::new(notes.clone()));
        output.line("a\u{9b}2J\nb").unwrap();
        output.json("{\n  \"a\": \"\u{9b}\u{202e}\u{200b}\"\n}").unwrap();
        output.note("c\u{2066}");
        assert_eq!(data.text(), "a\\u{9b}2J\nb\n{\n  \"a\": \"\\u009b\\u202e\\u200b\"\n}\n");
        assert_eq!(notes.text(), "c\\u{2066}\n");
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
