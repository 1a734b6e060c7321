//! What commands write: data to stdout, everything else to stderr.

use std::fmt;
use std::io::{self, Write};

pub(crate) mod json_text;
pub(crate) mod listing;
mod table;

pub(crate) use table::Table;

/// Where a command writes. Unlike `println!` it gives back an error where the reader is gone.
pub struct Output {
    data: Box<dyn Write>,
    notes: Box<dyn Write>,
}

impl Output {
    /// Writes data to `data` and notes to `notes`.
    pub fn new(data: Box<dyn Write>, notes: Box<dyn Write>) -> Self {
        Self { data, notes }
    }

    /// The process's stdout and stderr.
    #[must_use]
    pub fn standard() -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Writes a line of data.
    ///
    /// # Errors
    /// Where it cannot be written; [`io::ErrorKind::BrokenPipe`] where nobody reads on.
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

    /// Hands on what is still held back.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn flush(&mut self) -> io::Result<()> {
        self.data.flush()
    }

    /// Writes a line that is not data. Where even that fails, nobody is left to be told.
    pub fn note(&mut self, line: impl fmt::Display) {
        let _ = writeln!(self.notes, "{line}");
    }
}

/// The text with each control character as a blank, so that nothing that a server sends can steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_blanks() {
        assert_eq!(printable("a\u{1b}[2J\nü"), "a [2J ü");
    }
}
