//! Settings that cannot be used.

use std::error::Error;
use std::fmt;

use crate::{Secrecy, Setting};

/// The exit code of a program whose settings cannot be used.
pub const EXIT_CODE: u8 = 2;

/// The settings that a program cannot start with.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<SettingProblem>,
}

/// One or two settings that cannot be used, and why. The text contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    variables: Vec<&'static str>,
    text: String,
}

impl SettingsError {
    /// Returns `None` if there are no problems.
    pub(crate) fn of(problems: Vec<SettingProblem>) -> Option<Self> {
        (!problems.is_empty()).then_some(Self { problems })
    }

    /// Returns the problems, in the order in which the settings were read.
    pub fn problems(&self) -> &[SettingProblem] {
        &self.problems
    }
}

impl SettingProblem {
    pub(crate) fn new(variables: Vec<&'static str>, text: String) -> Self {
        Self { variables, text }
    }

    /// Returns the variables of the settings that the problem is about.
    pub fn variables(&self) -> &[&'static str] {
        &self.variables
    }
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Writes one problem as it is, and several as a list.
impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = &self.problems[..] {
            return problem.fmt(f);
        }
        write!(f, "{} settings cannot be used:", self.problems.len())?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// The same text as `Display`: a bundle whose `main` returns this error prints its `Debug` form.
impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for SettingsError {}

/// Returns a value in quotes, without the parts that must not be shown.
pub(crate) fn shown(setting: &Setting, value: &str) -> String {
    match setting.secrecy {
        Secrecy::Public => format!("{value:?}"),
        Secrecy::Credentials => {
            without_secrets(value).map_or_else(|| HIDDEN.to_owned(), |value| format!("{value:?}"))
        }
        Secrecy::Secret => HIDDEN.to_owned(),
    }
}

const HIDDEN: &str = "the value (hidden)";

/// Replaces the user name, the password, the query and the fragment of a URL. A password that was not encoded may hold any character, so
/// everything up to the last `@` is replaced, and all after the scheme if a query may hold that `@`. Returns `None` if it is unknown which
/// part could be a password.
fn without_secrets(url: &str) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (!url.contains(['@', ':', '?', '#'])).then(|| url.to_owned());
    };
    let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
    if user.is_some_and(|user| user.contains(['?', '#'])) {
        return Some(format!("{scheme}://***"));
    }
    let user = if user.is_some() { "***@" } else { "" };
    Some(match rest.find(['?', '#']) {
        Some(end) => format!("{scheme}://{user}{}***", &rest[..=end]),
        None => format!("{scheme}://{user}{rest}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("amqp://shop:s3cret@host:5672/%2f", Some("amqp://***@host:5672/%2f")),
            ("amqp://shop:s3/cr@et@host", Some("amqp://***@host")),
            ("http://127.0.0.1:8000", Some("http://127.0.0.1:8000")),
            ("mail.example.com", Some("mail.example.com")),
            ("amqp:shop:s3cret", None),
            ("shop:s3cret@host", None),
            ("http://host:1/path?token=s3cret", Some("http://host:1/path?***")),
            ("http://host/#s3cret", Some("http://host/#***")),
            ("http://shop:s3cret@host?token=s3cret", Some("http://***@host?***")),
            ("http://host/?token=ab@s3cret", Some("http://***")),
            ("host?token=s3cret", None),
        ] {
            assert_eq!(without_secrets(url).as_deref(), shown, "{url}");
        }
    }

    #[test]
    fn several_problems_are_a_list() {
        let problem = |text: &str| SettingProblem::new(Vec::new(), text.to_owned());
        assert_eq!(SettingsError::of(vec![]), None);
        let one = SettingsError::of(vec![problem("A: wrong")]).map(|error| error.to_string());
        assert_eq!(one.as_deref(), Some("A: wrong"));
        let two = SettingsError::of(vec![problem("A: wrong"), problem("B: wrong")]);
        let two = two.map(|error| error.to_string());
        assert_eq!(two.as_deref(), Some("2 settings cannot be used:\n  A: wrong\n  B: wrong"));
    }
}
