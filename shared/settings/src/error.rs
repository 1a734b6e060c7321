//! Settings that cannot be used.

use std::error::Error;
use std::fmt;

use orderflow_errors::url_without_secrets;

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
        // A URL with a password may be given to a wrong setting by mistake.
        Secrecy::Public if !value.contains("://") => format!("{value:?}"),
        Secrecy::Public | Secrecy::Credentials => {
            url_without_secrets(value).map_or_else(|| HIDDEN.to_owned(), |value| format!("{value:?}"))
        }
        Secrecy::Secret => HIDDEN.to_owned(),
    }
}

const HIDDEN: &str = "the value (hidden)";

#[cfg(test)]
mod tests {
    use super::*;

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
