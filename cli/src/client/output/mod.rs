//! What commands write: data to stdout, everything else to stderr.

pub(crate) mod json_text;
pub(crate) mod listing;
mod table;

use std::fmt;
use std::io::{self, Write};

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

    /// Writes a line of data.
    ///
    /// # Errors
    /// If it cannot be written; [`io::ErrorKind::BrokenPipe`] if the reader has closed the pipe.
    pub fn line(&mut self, line: impl fmt::Display) -> io::Result<()> {
        writeln!(self.data, "{line}")
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
        let _ = writeln!(self.notes, "{}", without_credentials(&line.to_string()));
    }
}

/// Replaces each control character by a space, so that text from a server cannot control the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(printable("a\u{1b}[2J\nü"), "a [2J ü");
    }
}
