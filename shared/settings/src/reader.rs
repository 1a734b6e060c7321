//! Parses settings, and collects those that cannot be used.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::net::IpAddr;
use std::num::IntErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::error::shown;
use crate::{Kind, Setting, SettingProblem, SettingsError, Snapshot, Source};

/// Reads settings from a snapshot and collects their problems, so that [`read`] can report all of them together.
#[derive(Debug)]
pub struct Reader<'a> {
    snapshot: &'a Snapshot,
    problems: Vec<SettingProblem>,
}

/// A required setting is missing or its value is not allowed. The [`Reader`] has recorded the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(());

/// The value of a setting is not allowed, for the reason that its [`Kind`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAllowed;

impl Display for NotAllowed {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Error for NotAllowed {}

/// Why a number of the allowed form cannot be used.
const TOO_LARGE: &str = "it is too large";

/// Reads all settings of a program at once.
///
/// The closure reads every setting before it returns [`Refused`], so that no problem is left out.
///
/// # Errors
/// [`SettingsError`] lists every setting that cannot be used.
pub fn read<T>(
    snapshot: &Snapshot,
    settings: impl FnOnce(&mut Reader<'_>) -> Result<T, Refused>,
) -> Result<T, SettingsError> {
    let in_file = snapshot.problems().iter().map(|text| SettingProblem::new(Vec::new(), text.clone()));
    let mut reader = Reader { snapshot, problems: in_file.collect() };
    let values = settings(&mut reader);
    match (SettingsError::of(reader.problems), values) {
        (None, Ok(values)) => Ok(values),
        (None, Err(Refused(()))) => unreachable!("a reader records a problem before it refuses"),
        (Some(error), _) => Err(error),
    }
}

/// Returns settings with their defaults.
///
/// # Panics
/// If a setting is required.
pub fn defaults<T>(settings: impl FnOnce(&mut Reader<'_>) -> T) -> T {
    read(&Snapshot::default(), |reader| Ok(settings(reader))).expect("every default is allowed")
}

impl<'a> Reader<'a> {
    /// Returns the snapshot.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Returns whether a value was given.
    pub fn is_given(&self, setting: &Setting) -> bool {
        self.snapshot.source(setting) != Source::Default
    }

    /// Reads a setting that has a default. If the value is not allowed, records the problem and returns the default.
    ///
    /// # Panics
    /// If the declaration has no default, or one that `parse` refuses. A test reads every default.
    pub fn value<T, E: Display>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        self.optional(setting, &parse).unwrap_or_else(|| {
            let default = setting.default.and_then(|default| parse(default).ok());
            default.unwrap_or_else(|| panic!("{} is declared without a usable default", setting.variable))
        })
    }

    /// Reads an optional setting. Returns `None` if it is not given or its value is not allowed.
    pub fn optional<T, E: Display>(
        &mut self,
        setting: &'static Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.given(setting)?;
        match text.to_str().map(parse) {
            Some(Ok(value)) => Some(value),
            Some(Err(reason)) => {
                self.refuse(setting, reason);
                None
            }
            None => {
                let _refused = self.refuse_because(setting, "it is not UTF-8");
                None
            }
        }
    }

    /// Reads a required setting. `why` completes "the setting is required ...", such as "by MAIL_PROVIDER=smtp".
    ///
    /// # Errors
    /// [`Refused`] if the setting is missing or its value is not allowed. The problem is recorded.
    pub fn required<T, E: Display>(
        &mut self,
        setting: &'static Setting,
        why: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Refused> {
        let value = self.optional(setting, parse);
        self.require(setting, why, value)
    }

    /// Refuses a setting that was read as optional and turned out to be required.
    ///
    /// # Errors
    /// As [`Reader::required`].
    pub fn require<T>(
        &mut self,
        setting: &'static Setting,
        why: &str,
        value: Option<T>,
    ) -> Result<T, Refused> {
        if value.is_none() && !self.is_given(setting) {
            let name = self.snapshot.name_as_given(setting);
            let space = if why.is_empty() { "" } else { " " };
            let text = format!("{name} is required{space}{why}: give {}", setting.kind.allowed());
            self.record(SettingProblem::new(vec![setting.variable], text));
        }
        value.ok_or(Refused(()))
    }

    /// Records that the value of a setting is not allowed. `reason` may be empty if the declaration says enough.
    pub fn refuse(&mut self, setting: &'static Setting, reason: impl Display) {
        let name = self.snapshot.name_as_given(setting);
        let value = self.given(setting).map(OsStr::to_string_lossy).unwrap_or_default();
        let mut text = format!("{name}: {} is not {}", shown(setting, &value), setting.kind.allowed());
        let reason = reason.to_string();
        if !reason.is_empty() {
            text.push_str(": ");
            text.push_str(&reason);
        }
        self.record(SettingProblem::new(vec![setting.variable], text));
    }

    /// Records that a value of the allowed form cannot be used. `reason` is a sentence about it, such as "it is too large".
    pub fn refuse_because(&mut self, setting: &'static Setting, reason: impl Display) -> Refused {
        let name = self.snapshot.name_as_given(setting);
        let value = self.given(setting).map(OsStr::to_string_lossy).unwrap_or_default();
        let text = format!("{name}: {} cannot be used: {reason}", shown(setting, &value));
        self.record(SettingProblem::new(vec![setting.variable], text));
        Refused(())
    }

    /// Records a problem if two settings are given that exclude each other.
    pub fn exclude(&mut self, one: &'static Setting, other: &'static Setting) {
        if self.is_given(one) && self.is_given(other) {
            let names = [one, other].map(|setting| self.snapshot.name_as_given(setting));
            let text = format!("{} and {} exclude each other: give only one of them", names[0], names[1]);
            self.record(SettingProblem::new(vec![one.variable, other.variable], text));
        }
    }

    /// Records a problem with several settings. `text` is a function of their names as the user gave them.
    pub fn conflict<const N: usize>(
        &mut self,
        settings: [&'static Setting; N],
        text: impl FnOnce([String; N]) -> String,
    ) -> Refused {
        let text = text(settings.map(|setting| self.snapshot.name_as_given(setting)));
        self.record(SettingProblem::new(settings.map(|setting| setting.variable).to_vec(), text));
        Refused(())
    }

    /// Records a problem for each of these settings that is given: they ask for what the program does not do. `text` is a function of the name
    /// as the user gave it.
    pub fn refuse_given(
        &mut self,
        settings: impl IntoIterator<Item = &'static Setting>,
        text: impl Fn(&str) -> String,
    ) {
        for setting in settings {
            if self.is_given(setting) {
                let _refused = self.conflict([setting], |[name]| text(&name));
            }
        }
    }

    /// Reads a [`Kind::Switch`]. Returns `false` if it is not given.
    pub fn switch(&mut self, setting: &'static Setting) -> bool {
        self.optional(setting, switch).unwrap_or_default()
    }

    /// Reads a [`Kind::Port`].
    pub fn port(&mut self, setting: &'static Setting) -> u16 {
        self.parsed(setting)
    }

    /// Reads a [`Kind::IpAddress`].
    pub fn ip_address(&mut self, setting: &'static Setting) -> IpAddr {
        self.parsed(setting)
    }

    /// Reads a [`Kind::WholeNumber`].
    pub fn whole_number<T: TryFrom<u64>>(&mut self, setting: &'static Setting) -> T {
        let Kind::WholeNumber { min, .. } = setting.kind else {
            panic!("{} is not declared as a whole number", setting.variable)
        };
        let parse = |text: &str| match text.trim().parse::<u64>() {
            Ok(number) if number >= min => Ok(T::try_from(number).map_err(|_| TOO_LARGE)),
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => Ok(Err(TOO_LARGE)),
            _ => Err(NotAllowed),
        };
        self.value(setting, parse).unwrap_or_else(|reason| {
            let _refused = self.refuse_because(setting, reason);
            let default = setting.default.and_then(|default| parse(default).ok()?.ok());
            default.unwrap_or_else(|| panic!("{} is declared without a usable default", setting.variable))
        })
    }

    /// Reads a [`Kind::WholeNumber`] of milliseconds.
    pub fn milliseconds(&mut self, setting: &'static Setting) -> Duration {
        Duration::from_millis(self.whole_number(setting))
    }

    /// Reads a [`Kind::WholeNumber`] of seconds.
    pub fn seconds(&mut self, setting: &'static Setting) -> Duration {
        Duration::from_secs(self.whole_number(setting))
    }

    /// Reads a [`Kind::Duration`].
    pub fn duration(&mut self, setting: &'static Setting) -> Duration {
        self.value(setting, |text| humantime::parse_duration(text.trim()).map_err(|_| NotAllowed))
    }

    /// Reads a [`Kind::Duration`] that must not be longer than `max`.
    pub fn duration_up_to(&mut self, setting: &'static Setting, max: Duration) -> Duration {
        let duration = self.duration(setting);
        if duration > max {
            let reason = format!("it is longer than {}", humantime::format_duration(max));
            let _refused = self.refuse_because(setting, reason);
        }
        duration
    }

    /// Reads a [`Kind::OneOf`]. Returns `None` if the word is not allowed, or if neither a word nor a default is given.
    pub fn one_of(&mut self, setting: &'static Setting) -> Option<&'static str> {
        let Kind::OneOf(words) = setting.kind else {
            panic!("{} is not declared as a choice of words", setting.variable)
        };
        let word = |text: &str| words.iter().copied().find(|word| *word == text.trim()).ok_or(NotAllowed);
        self.optional(setting, word).or(setting.default)
    }

    /// Reads a [`Kind::SomeOf`]. Returns an empty list if none is given.
    pub fn some_of(&mut self, setting: &'static Setting) -> Vec<&'static str> {
        let Kind::SomeOf(words) = setting.kind else {
            panic!("{} is not declared as a list of words", setting.variable)
        };
        let word = |text: &str| {
            let known = words.iter().copied().find(|word| *word == text.trim());
            known.ok_or_else(|| format!("{:?} is none of them", text.trim()))
        };
        let list = |text: &str| text.split(',').map(word).collect::<Result<Vec<_>, _>>();
        self.optional(setting, list).unwrap_or_default()
    }

    /// Reads a [`Kind::HttpUrl`] as text. Checks only its beginning: a caller that needs its parts uses [`Reader::optional`].
    pub fn http_url(&mut self, setting: &'static Setting) -> Option<String> {
        self.optional(setting, |text| {
            let text = text.trim();
            let rest = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
            match rest {
                Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => Ok(text.to_owned()),
                _ => Err(NotAllowed),
            }
        })
    }

    /// Reads a [`Kind::File`] or [`Kind::Folder`].
    pub fn path(&mut self, setting: &'static Setting) -> Option<PathBuf> {
        self.given(setting).map(PathBuf::from).or(setting.default.map(PathBuf::from))
    }

    /// Opens the file or folder that a setting names, and returns its content.
    pub fn content<T, E: Display>(
        &mut self,
        setting: &'static Setting,
        open: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Option<T> {
        let path = self.path(setting)?;
        match open(&path) {
            Ok(content) => Some(content),
            Err(reason) => {
                let name = self.snapshot.name_as_given(setting);
                let text = format!("{name}: {path:?} cannot be read: {reason}");
                self.record(SettingProblem::new(vec![setting.variable], text));
                None
            }
        }
    }

    /// Records a problem once, also if the setting is read twice.
    fn record(&mut self, problem: SettingProblem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn parsed<T: FromStr>(&mut self, setting: &'static Setting) -> T {
        self.value(setting, |text| text.trim().parse().map_err(|_| NotAllowed))
    }

    fn given(&self, setting: &Setting) -> Option<&'a OsStr> {
        self.snapshot.value(setting.variable).map(|value| value.text.as_os_str())
    }
}

fn switch(text: &str) -> Result<bool, NotAllowed> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(NotAllowed),
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
