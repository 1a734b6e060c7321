//! The values that a program was started with.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::IpAddr;

use crate::Setting;

/// The values that a program was started with, and where each comes from. If a setting has several values, the snapshot keeps the one that wins.
#[derive(Clone, Default)]
pub struct Snapshot {
    values: BTreeMap<String, Value>,
    problems: Vec<String>,
    ignored: Vec<(String, Source)>,
}

#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) text: OsString,
    pub(crate) source: Source,
}

/// Where the value of a setting comes from. The later one in this list wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// No value was given.
    Default,
    /// The file `.env`, with the number of the line, the first being 1.
    EnvFile(usize),
    /// The environment of the process.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl Source {
    /// Returns a number that is greater for the source that wins.
    pub fn precedence(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::EnvFile(_) => 1,
            Self::Environment => 2,
            Self::Flag => 3,
        }
    }
}

impl Snapshot {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        let named = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self::from_variables(named)
    }

    /// Creates a snapshot with these variables as the environment.
    pub fn from_variables<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<OsString>,
    {
        let mut snapshot = Self::default();
        for (name, value) in variables {
            snapshot.add(name.into(), value.into(), Source::Environment);
        }
        snapshot
    }

    /// Adds the value of a flag, which wins over every other.
    #[must_use]
    pub fn with_flag(mut self, setting: &Setting, value: impl Into<OsString>) -> Self {
        self.add(setting.variable.to_owned(), value.into(), Source::Flag);
        self
    }

    /// Adds a value unless there is one from a source that wins. An empty value is the same as none.
    pub(crate) fn add(&mut self, name: String, text: OsString, source: Source) {
        let is_blank = text.to_str().is_some_and(|text| text.trim().is_empty());
        let wins =
            self.values.get(&name).is_none_or(|present| present.source.precedence() <= source.precedence());
        if !is_blank && wins {
            self.values.insert(name, Value { text, source });
        }
    }

    /// Adds a problem of the file that values come from. [`read`](crate::read) reports it together with those of the settings.
    #[cfg(feature = "env-file")]
    pub(crate) fn add_problem(&mut self, text: String) {
        self.problems.push(text);
    }

    /// Adds a variable that the file must not set, so that it is reported and never read.
    #[cfg(feature = "env-file")]
    pub(crate) fn ignore(&mut self, name: String, source: Source) {
        self.ignored.push((name, source));
    }

    /// Returns the variables that the file must not set.
    pub(crate) fn ignored(&self) -> &[(String, Source)] {
        &self.ignored
    }

    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    pub(crate) fn value(&self, variable: &str) -> Option<&Value> {
        self.values.get(variable)
    }

    /// Returns a variable that may be no setting of this system, such as `NO_COLOR`, or `None` if it is unset or empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.value(name).map(|value| value.text.as_os_str())
    }

    /// Returns the source of a setting's value.
    pub fn source(&self, setting: &Setting) -> Source {
        self.value(setting.variable).map_or(Source::Default, |value| value.source)
    }

    /// Returns whether a URL of another host comes from `.env` and begins with `http://` or `amqp://`. A secret is not sent there: such a file may
    /// come with a folder that another person made.
    pub fn is_unencrypted_in_file(&self, url: &Setting) -> bool {
        let Source::EnvFile(_) = self.source(url) else { return false };
        let text = self.variable(url.variable).map(OsStr::to_string_lossy).unwrap_or_default();
        let text = text.trim().to_ascii_lowercase();
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("amqp://"));
        let Some(rest) = rest else { return false };
        let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((address, _)) => address,
            None => host.split(':').next().unwrap_or_default(),
        };
        host != "localhost" && !host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Names a setting as the user gave it: `--port`, `ORDERFLOW_PORT`, or `ORDERFLOW_PORT (.env line 3)`. A setting that was not given is
    /// named with its flag and its variable.
    pub fn name_as_given(&self, setting: &Setting) -> String {
        let variable = setting.variable;
        match (self.source(setting), setting.flag) {
            (Source::Flag, Some(flag)) => format!("--{flag}"),
            (Source::Default, Some(flag)) => format!("--{flag} or {variable}"),
            (Source::EnvFile(line), _) => format!("{variable} (.env line {line})"),
            _ => variable.to_owned(),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Source)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.source))
    }
}

/// Lists names and sources only: values may be secret.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::{PORT, URL};

    fn snapshot(value: &str) -> Snapshot {
        Snapshot::from_variables([(PORT.variable, value)])
    }

    #[test]
    fn an_empty_or_blank_value_is_none() {
        for blank in ["", " ", "\t\n"] {
            assert_eq!(snapshot(blank).source(&PORT), Source::Default, "{blank:?}");
        }
        assert_eq!(snapshot("1").source(&PORT), Source::Environment);
    }

    #[test]
    fn only_another_host_over_plain_http_that_the_file_names_is_kept_from_secrets() {
        let of = |text: &str, source| {
            let mut snapshot = Snapshot::default();
            snapshot.add(URL.variable.to_owned(), text.into(), source);
            snapshot.is_unencrypted_in_file(&URL)
        };
        let file = Source::EnvFile(1);
        for own in [
            "http://localhost:1/a",
            "http://127.0.0.1",
            "http://[::1]:8080/",
            "https://evil.example",
            "amqp://localhost",
        ] {
            assert!(!of(own, file), "{own}");
        }
        for other in [
            "http://evil.example",
            "HTTP://127.0.0.1@evil.example/",
            "amqp://shop@evil.example",
            r"http://evil\@127.0.0.1",
            "http://[::2]",
        ] {
            assert!(
                of(other, file) && !of(other, Source::Environment) && !of(other, Source::Flag),
                "{other}"
            );
        }
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let mut both = snapshot("1");
        both.add(PORT.variable.to_owned(), "2".into(), Source::EnvFile(3));
        assert_eq!(both.variable(PORT.variable), Some(OsStr::new("1")));
        assert_eq!(both.name_as_given(&PORT), "ORDERFLOW_PORT");
        let flag = both.with_flag(&PORT, "3");
        assert_eq!(flag.variable(PORT.variable), Some(OsStr::new("3")));
        assert_eq!(flag.name_as_given(&PORT), "--port");
    }

    #[test]
    fn the_file_counts_where_the_environment_is_empty() {
        let mut file = snapshot("");
        file.add(PORT.variable.to_owned(), "2".into(), Source::EnvFile(3));
        assert_eq!(file.name_as_given(&PORT), "ORDERFLOW_PORT (.env line 3)");
        assert_eq!(Snapshot::default().name_as_given(&PORT), "--port or ORDERFLOW_PORT");
    }

    #[test]
    fn values_are_not_shown() {
        assert_eq!(format!("{:?}", snapshot("s3cret")), r#"{"ORDERFLOW_PORT": Environment}"#);
    }
}
