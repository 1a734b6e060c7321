//! The file `.env`.

use std::error::Error;
use std::path::Path;
use std::{fmt, io};

use crate::{Snapshot, Source};

const FILE: &str = ".env";

/// The file `.env` exists and cannot be read. The message shows no values, because some are secret.
#[derive(Debug)]
pub enum EnvFileError {
    /// A line is not `NAME=value`.
    Line {
        /// The number of the line, the first being 1.
        number: usize,
    },
    /// The file cannot be opened or is no text.
    Unreadable(io::Error),
}

impl fmt::Display for EnvFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { number } => write!(f, "{FILE} line {number} is not NAME=value"),
            Self::Unreadable(error) => write!(f, "{FILE} cannot be read: {error}"),
        }
    }
}

impl Error for EnvFileError {}

impl Snapshot {
    /// Adds the values of the file `.env` in this folder, if there is one. The environment wins over them.
    ///
    /// # Errors
    /// [`EnvFileError`] if the file cannot be read or a line is not `NAME=value`.
    pub fn with_env_file(mut self, folder: &Path) -> Result<Self, EnvFileError> {
        let text = match std::fs::read_to_string(folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self),
            Err(error) => return Err(EnvFileError::Unreadable(error)),
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        // If a name occurs twice, the first value wins.
        let mut read: Vec<(String, String)> = Vec::new();
        for entry in dotenvy::from_read_iter(text.as_bytes()) {
            match entry {
                Ok((name, _)) if read.iter().any(|(known, _)| *known == name) => {}
                Ok(entry) => read.push(entry),
                Err(dotenvy::Error::LineParse(..)) => {
                    return Err(EnvFileError::Line { number: first_bad_line(text) });
                }
                Err(error) => return Err(EnvFileError::Unreadable(io::Error::other(error))),
            }
        }
        for (name, value) in read {
            let line = line_of(text, &name);
            self.add(name, value.into(), Source::EnvFile(line));
        }
        Ok(self)
    }
}

/// Sets the variables of the file `.env` in the environment of this process where they are not set: the AWS SDK reads its own variables from
/// there. Call it before any other thread runs.
///
/// # Errors
/// [`EnvFileError::Unreadable`] if the file exists and cannot be read.
pub fn export_env_file(folder: &Path) -> Result<(), EnvFileError> {
    match dotenvy::from_path(folder.join(FILE)) {
        Ok(()) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        Err(error) => Err(EnvFileError::Unreadable(io::Error::other(error))),
    }
}

/// Returns the number of the line that sets a variable.
fn line_of(text: &str, name: &str) -> usize {
    let sets = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(sets).unwrap_or_default() + 1
}

/// Returns the number of the first line that cannot be parsed.
fn first_bad_line(text: &str) -> usize {
    let ends = text.match_indices('\n').map(|(at, _)| at + 1).chain([text.len()]);
    let fails = |end: &usize| {
        dotenvy::from_read_iter(&text.as_bytes()[..*end])
            .any(|entry| matches!(entry, Err(dotenvy::Error::LineParse(..))))
    };
    ends.enumerate().find(|(_, end)| fails(end)).map_or(1, |(before, _)| before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::{PORT, PREFIX, TOKEN};

    fn read(text: &str) -> Result<Snapshot, EnvFileError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        Snapshot::default().with_env_file(folder.path())
    }

    #[test]
    fn a_setting_knows_its_line() {
        let text =
            "\u{feff}# comment\nORDERFLOW_PORT=1\n\n export ORDERFLOW_TOKEN = 'a=b'\nORDERFLOW_PORT=2\n";
        let snapshot = read(text).unwrap();
        assert_eq!(snapshot.name_as_given(&PORT), "ORDERFLOW_PORT (.env line 2)");
        assert_eq!(snapshot.variable(PORT.variable).unwrap(), "1");
        assert_eq!(snapshot.name_as_given(&TOKEN), "ORDERFLOW_TOKEN (.env line 4)");
        assert_eq!(snapshot.source(&PREFIX), Source::Default);
    }

    #[test]
    fn a_missing_file_sets_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = Snapshot::default().with_env_file(folder.path()).unwrap();
        assert_eq!(snapshot.names().count(), 0);
    }

    #[test]
    fn a_bad_line_is_numbered_and_not_shown() {
        let error = read("ORDERFLOW_PORT=1\nSMTP_URL=very secret\n").unwrap_err().to_string();
        assert_eq!(error, ".env line 2 is not NAME=value");
        let error = read("ORDERFLOW_PORT=1\n\nsecret").unwrap_err().to_string();
        assert_eq!(error, ".env line 3 is not NAME=value");
    }
}
