//! The file `.env`.

use std::io;
use std::path::Path;

use crate::declared::{ALL, LIBRARIES};
use crate::{Snapshot, Source};

const FILE: &str = ".env";

/// Returns whether `.env` may set a variable: a setting, or one that a library reads. A file that came with a folder must not choose the
/// programs that this one starts (`PATH`, `EDITOR`, `LD_PRELOAD`) or the proxy that it uses.
fn may_set(name: &str) -> bool {
    ALL.iter().any(|setting| setting.variable == name) || LIBRARIES.contains(&name)
}

impl Snapshot {
    /// Adds the values of the file `.env` in this folder, if there is one. The environment wins over them. A variable that is not declared is
    /// ignored, and one of the [`unknown_variables`](Self::unknown_variables).
    ///
    /// A file or line that cannot be read is one of the problems that [`read`](crate::read) reports, so that a command without settings, such
    /// as `--help`, still works. The problem shows no part of the line, which may be secret.
    #[must_use]
    pub fn with_env_file(mut self, folder: &Path) -> Self {
        let text = match read_file(folder) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self,
            Err(error) => {
                self.add_problem(format!("{FILE} cannot be read: {error}"));
                return self;
            }
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        // If a name occurs twice, the first value wins.
        let mut read: Vec<(String, String)> = Vec::new();
        let mut searched = 0;
        for entry in dotenvy::from_read_iter(text.as_bytes()) {
            match entry {
                Ok((name, _)) if read.iter().any(|(known, _)| *known == name) => {}
                Ok(entry) => read.push(entry),
                Err(dotenvy::Error::LineParse(part, _)) => {
                    let (number, line) = bad_line(text, searched, &part);
                    searched = number;
                    self.add_problem(format!("{FILE} line {number} {}", reason(line)));
                }
                Err(error) => self.add_problem(format!("{FILE} cannot be read: {error}")),
            }
        }
        for (name, value) in read {
            let line = line_of(text, &name);
            if may_set(&name) {
                self.add(name, value.into(), Source::EnvFile(line));
            } else {
                self.ignore(name, Source::EnvFile(line));
            }
        }
        self
    }
}

/// Reads the file. Anything else under its name, such as a pipe without a writer, is refused.
fn read_file(folder: &Path) -> io::Result<String> {
    let path = folder.join(FILE);
    if !std::fs::metadata(&path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    std::fs::read_to_string(path)
}

/// Sets those variables of the file `.env` that libraries read in the environment of this process where they are not set. Call it before any
/// other thread runs. A file that cannot be read is reported by [`Snapshot::with_env_file`].
pub fn export_env_file(folder: &Path) {
    let text = read_file(folder).unwrap_or_default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let _reported = dotenvy::from_read(exported(text).as_bytes());
}

/// Returns the lines that set the variables of libraries, with their values quoted.
fn exported(text: &str) -> String {
    let read = dotenvy::from_read_iter(text.as_bytes()).filter_map(Result::ok);
    let ours = read.filter(|(name, _)| LIBRARIES.contains(&name.as_str()));
    let quoted = |value: String| value.replace('\\', r"\\").replace('"', r#"\""#).replace('$', r"\$");
    ours.map(|(name, value)| format!("{name}=\"{}\"\n", quoted(value))).collect()
}

/// Returns the number and the text of the first line after `searched` lines that contains `part` and cannot be parsed.
fn bad_line<'a>(text: &'a str, searched: usize, part: &str) -> (usize, &'a str) {
    let part = part.lines().next().unwrap_or_default();
    let is_bad = |line: &str| dotenvy::from_read_iter(line.as_bytes()).any(|entry| entry.is_err());
    let mut lines = (1..).zip(text.lines()).skip(searched);
    lines.find(|(_, line)| line.contains(part) && is_bad(line)).unwrap_or((searched + 1, ""))
}

/// Returns what is wrong with a line, and what to do if its value needs quotes.
fn reason(line: &str) -> &'static str {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else { return "is not NAME=value" };
    let (name, value) = (name.trim(), value.trim());
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || ['_', '.'].contains(&c));
    if !is_name {
        "is not NAME=value"
    } else if value.starts_with(['"', '\'']) {
        "has a value whose quotes are wrong: put the whole value in one pair of quotes"
    } else if value.contains(['"', '\\', '$']) {
        "has a value that needs quotes: put the value in single quotes"
    } else {
        "has a value that needs quotes: put the value in double quotes"
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::{PORT, PREFIX, TOKEN};

    fn read(text: &str) -> Snapshot {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        Snapshot::default().with_env_file(folder.path())
    }

    #[test]
    fn a_setting_knows_its_line() {
        let text =
            "\u{feff}# comment\nORDERFLOW_PORT=1\n\n export ORDERFLOW_TOKEN = 'a=b'\nORDERFLOW_PORT=2\n";
        let snapshot = read(text);
        assert_eq!(snapshot.problems(), [""; 0]);
        assert_eq!(snapshot.name_as_given(&PORT), "ORDERFLOW_PORT (.env line 2)");
        assert_eq!(snapshot.variable(PORT.variable).unwrap(), "1");
        assert_eq!(snapshot.name_as_given(&TOKEN), "ORDERFLOW_TOKEN (.env line 4)");
        assert_eq!(snapshot.source(&PREFIX), Source::Default);
    }

    #[test]
    fn only_declared_variables_are_read_and_only_those_of_libraries_exported() {
        let text = "EDITOR=./evil\nPATH=.\nORDERFLOW_PORT=1\nAWS_CONFIG_FILE=./evil\nAWS_PROFILE='a b$c'\nAWS_REGION=r\nOTEL_EXPORTER_OTLP_HEADERS=a=b\n";
        let snapshot = read(text);
        assert_eq!(snapshot.variable("EDITOR"), None);
        assert_eq!(snapshot.variable("AWS_REGION").unwrap(), "r");
        let warnings: Vec<String> = snapshot.unknown_variables().iter().map(ToString::to_string).collect();
        let ignored = ["EDITOR (.env line 1)", "PATH (.env line 2)", "AWS_CONFIG_FILE (.env line 4)"];
        assert_eq!(warnings, ignored.map(|name| format!("{name} is not a setting and is ignored")));
        let again: Vec<_> = dotenvy::from_read_iter(exported(text).as_bytes()).map(Result::unwrap).collect();
        let expected = [("AWS_PROFILE", "a b$c"), ("AWS_REGION", "r"), ("OTEL_EXPORTER_OTLP_HEADERS", "a=b")];
        assert_eq!(again, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_missing_file_sets_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = Snapshot::default().with_env_file(folder.path());
        assert_eq!(snapshot.names().count(), 0);
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join(FILE)).status().unwrap();
        assert!(made.success());
        let snapshot = Snapshot::default().with_env_file(folder.path());
        assert_eq!(snapshot.problems(), [".env cannot be read: it is no file"]);
    }

    #[test]
    fn a_bad_line_is_numbered_and_not_shown() {
        for (text, problems) in [
            (
                "# very secret\nSMTP_URL=very secret\n\nsecret",
                &[
                    ".env line 2 has a value that needs quotes: put the value in double quotes",
                    ".env line 4 is not NAME=value",
                ][..],
            ),
            (
                "A=\"two\nlines\"\nMAIL_FROM=Shop <a@b.c>",
                &[".env line 3 has a value that needs quotes: put the value in double quotes"],
            ),
            ("A=a b$c\r\n", &[".env line 1 has a value that needs quotes: put the value in single quotes"]),
            (
                "A=\"a",
                &[
                    ".env line 1 has a value whose quotes are wrong: put the whole value in one pair of quotes",
                ],
            ),
        ] {
            assert_eq!(read(text).problems(), problems, "{text:?}");
        }
    }

    #[test]
    fn a_bad_line_is_reported_together_with_bad_settings() {
        let snapshot = read("SMTP_URL secret\nORDERFLOW_PORT=80a\n");
        let error = crate::read(&snapshot, |reader| Ok(reader.port(&PORT))).unwrap_err().to_string();
        let lines: Vec<&str> = error.lines().map(str::trim).collect();
        assert_eq!(lines[1], ".env line 1 is not NAME=value");
        assert!(lines[2].starts_with("ORDERFLOW_PORT (.env line 2): \"80a\" is not a port"), "{error}");
    }
}
