//! The flags of settings.

use std::ffi::OsString;
use std::fmt;
use std::marker::PhantomData;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use orderflow_settings::declared::ALL;
use orderflow_settings::{Kind, Program, Secrecy, Setting, Snapshot};

/// The settings that have a flag in a command.
pub trait FlagSet {
    /// Returns the settings.
    fn settings() -> Vec<&'static Setting>;

    /// Changes a flag for this command, such as its help.
    fn adapt(flag: Arg) -> Arg {
        flag
    }
}

/// Returns the settings that a program reads and that have a flag.
pub fn flags_of(program: Program) -> Vec<&'static Setting> {
    let has_flag = |setting: &&Setting| setting.flag.is_some() && setting.is_read_by(program);
    ALL.iter().copied().filter(has_flag).collect()
}

/// The values of flags as they were given. They are read together with the environment, so that one error names every bad setting.
pub struct SettingFlags<S> {
    given: Vec<(&'static Setting, OsString)>,
    set: PhantomData<fn() -> S>,
}

impl<S> SettingFlags<S> {
    /// Adds the flags to the environment.
    pub fn over(&self, environment: &Snapshot) -> Snapshot {
        self.given
            .iter()
            .fold(environment.clone(), |snapshot, (setting, value)| snapshot.with_flag(setting, value))
    }
}

impl<S> Default for SettingFlags<S> {
    fn default() -> Self {
        Self { given: Vec::new(), set: PhantomData }
    }
}

impl<S> Clone for SettingFlags<S> {
    fn clone(&self) -> Self {
        Self { given: self.given.clone(), set: PhantomData }
    }
}

/// Writes names only, since values may be secret.
impl<S> fmt::Debug for SettingFlags<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.given.iter().map(|(setting, _)| setting.variable)).finish()
    }
}

fn flag(setting: &'static Setting) -> Arg {
    let name = setting.flag.unwrap_or_default();
    let flag = Arg::new(name).long(name).help(help(setting));
    match setting.kind {
        Kind::Switch => flag.action(ArgAction::SetTrue),
        kind => {
            let action = if matches!(kind, Kind::SomeOf(_)) { ArgAction::Append } else { ArgAction::Set };
            let parser = clap::value_parser!(OsString);
            flag.action(action).value_name(kind.placeholder()).value_parser(parser).allow_hyphen_values(true)
        }
    }
}

/// Returns the help of a setting, with its variable and its default as clap shows them. The value of the variable is not shown.
fn help(setting: &Setting) -> String {
    let mut help = format!("{} [env: {}=]", setting.help, setting.variable);
    let is_switch = matches!(setting.kind, Kind::Switch);
    if let Some(default) = setting.default.filter(|_| !is_switch && setting.secrecy != Secrecy::Secret) {
        help.push_str(&format!(" [default: {default}]"));
    }
    help
}

impl<S: FlagSet> Args for SettingFlags<S> {
    fn augment_args(command: Command) -> Command {
        S::settings().into_iter().fold(command, |command, setting| command.arg(S::adapt(flag(setting))))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: FlagSet> FromArgMatches for SettingFlags<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |setting: &&Setting| {
            setting.flag.is_some_and(|flag| matches.value_source(flag) == Some(ValueSource::CommandLine))
        };
        let given = S::settings().into_iter().filter(is_given);
        let given = given.map(|setting| (setting, value(setting, matches))).collect();
        Ok(Self { given, set: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Returns the value of a flag. Several flags of a list are joined.
fn value(setting: &Setting, matches: &ArgMatches) -> OsString {
    match setting.kind {
        Kind::Switch => "true".into(),
        _ => {
            let values: Vec<OsString> =
                matches.get_many(setting.flag.unwrap_or_default()).into_iter().flatten().cloned().collect();
            values.join(",".as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use orderflow_settings::declared::{EPHEMERAL, ONLY, PORT};
    use orderflow_settings::read;

    use super::*;

    #[derive(Debug, Parser)]
    struct UpFlags {
        #[command(flatten)]
        flags: SettingFlags<Up>,
    }

    struct Up;

    impl FlagSet for Up {
        fn settings() -> Vec<&'static Setting> {
            flags_of(Program::Up)
        }
    }

    fn parse(arguments: &[&str], environment: &Snapshot) -> Snapshot {
        let line = ["x"].iter().chain(arguments);
        UpFlags::try_parse_from(line).unwrap().flags.over(environment)
    }

    #[test]
    fn flags_win_over_the_environment() {
        let environment = Snapshot::from_variables([("ORDERFLOW_PORT", "1"), ("ORDERFLOW_EPHEMERAL", "no")]);
        for (arguments, expected) in
            [(&[][..], (1, false)), (&["--port", "2"], (2, false)), (&["--port=3", "--ephemeral"], (3, true))]
        {
            let found = read(&parse(arguments, &environment), |reader| {
                Ok((reader.port(&PORT), reader.switch(&EPHEMERAL)))
            });
            assert_eq!(found.unwrap(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn a_list_may_be_given_in_several_flags() {
        let snapshot = parse(&["--only", "payment,analytics", "--only", "shop-api"], &Snapshot::default());
        let parts = read(&snapshot, |reader| Ok(reader.some_of(&ONLY))).unwrap();
        assert_eq!(parts, ["payment", "analytics", "shop-api"]);
    }

    #[test]
    fn help_shows_the_variable_and_the_default() {
        let help = UpFlags::augment_args(Command::new("x")).render_long_help().to_string();
        // It is wrapped.
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for setting in Up::settings() {
            assert!(help.contains(&format!("[env: {}=]", setting.variable)), "{help}");
        }
        assert!(help.contains("--port <PORT>") && help.contains("[default: 8080]"), "{help}");
        assert!(help.contains("--ephemeral Keep"), "{help}");
    }
}
