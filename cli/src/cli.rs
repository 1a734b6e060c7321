//! The command line of `orderflow`.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser};
use orderflow_lab::BillArgs;
use orderflow_lab::sim::SimArgs;

use crate::analytics::AnalyticsArgs;
use crate::bench::BenchCommand;
use crate::bridge::BridgeArgs;
use crate::client::ClientCommand;
use crate::completions::CompletionsArgs;
use crate::demo::DemoArgs;
use crate::dlq::DlqArgs;
use crate::doctor::DoctorArgs;
use crate::migrate::MigrateArgs;
use crate::store::StoreArgs;
use crate::up::UpArgs;

/// Takes orders over HTTP and carries each one to exactly one outcome.
#[derive(Parser)]
#[command(
    name = "orderflow",
    version,
    after_help = "\
Without a command the program runs `orderflow up`: the whole system in this process.

Example:
  orderflow up
  orderflow order place --customer C100 --email c100@example.com \\
    --item TSHIRT-BLK-M:2 --wait

`orderflow demo` shows how it works, and `orderflow doctor` what is missing on this machine.
Data goes to stdout, everything else to stderr. Exit codes: 0 success, 1 failure, 2 wrong usage or a bad setting; `health` has 3 for degraded."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// One command of the program.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Run the whole system in one process.
    Up(UpArgs),
    /// Show in half a minute, on a temporary shop, how orders are processed and how failures end.
    Demo(DemoArgs),
    /// Check what `orderflow up` needs with these settings, and say how to get what is missing.
    Doctor(DoctorArgs),
    /// Serve the embedded store to several processes of this machine, as DynamoDB over HTTP.
    Store(StoreArgs),
    /// Deliver the messages of RabbitMQ to functions behind Lambda Invoke endpoints, and publish their events to it.
    Bridge(BridgeArgs),
    /// List, show, correct, replay and delete dead letters.
    Dlq(Box<DlqArgs>),
    /// Show the figures of the shop, or rebuild them.
    Analytics(Box<AnalyticsArgs>),
    /// Show the state of tables and data directory, or migrate them to this version; `up` migrates by itself.
    Migrate(MigrateArgs),
    /// Measure a shop under load: orders a second, latency, CPU time and memory.
    Bench(Box<BenchCommand>),
    /// Count what AWS bills for an order, and price it.
    #[command(after_help = BILL_AFTER_HELP)]
    Bill(BillArgs),
    /// Simulate orders under faults, seed by seed, and check what the system promises.
    #[command(after_help = SIM_AFTER_HELP)]
    Sim(SimArgs),
    /// Print the completion script for a shell.
    Completions(CompletionsArgs),
    /// A command that talks to a running system.
    #[command(flatten)]
    Client(Box<ClientCommand>),
}

const BILL_AFTER_HELP: &str = "\
The functions of the AWS deployment run in this process over a store in memory, with batches of ten messages and, beside it, of one. Nothing is
deployed and nothing is sent. The prices are those of a dated file: check them before you rely on them.

Examples:
  orderflow bill
  orderflow bill --orders 100 --products 1
  orderflow bill --prices prices.json --json";

const SIM_AFTER_HELP: &str = "\
The handlers of the system run in this process over a store in memory, with a simulated broker, payment provider, mail server and clock. A seed decides
everything that happens: what customers order, which faults strike when, and which process runs next. After the faults everything has to settle, and
an auditor checks tables, the provider's books, messages and answers. A broken promise is shown with the shortest schedule that breaks it, and the
command ends with code 1. Ctrl-C ends the run, and the report says where to go on.

Examples:
  orderflow sim
  orderflow sim --seeds 1000000 --from 20000
  orderflow sim --seed 42 --trace trace.txt
  orderflow sim --seeds 10000 --json";

impl Command {
    /// Returns whether the command writes logs. Warnings about unknown variables then go there.
    #[must_use]
    pub fn writes_logs(&self) -> bool {
        match self {
            Self::Up(_) | Self::Store(_) | Self::Bridge(_) | Self::Migrate(_) => true,
            Self::Analytics(args) => args.writes_logs(),
            Self::Demo(_)
            | Self::Doctor(_)
            | Self::Dlq(_)
            | Self::Bench(_)
            | Self::Bill(_)
            | Self::Sim(_)
            | Self::Completions(_)
            | Self::Client(_) => false,
        }
    }
}

impl Cli {
    /// Parses the arguments of the program, its own name first. Without a command it returns `up` without flags.
    ///
    /// # Errors
    /// The error of clap, also for `--help` and `--version`; its `exit` prints it and ends the program with the right code.
    pub fn command_from<I, A>(arguments: I) -> Result<Command, clap::Error>
    where
        I: IntoIterator<Item = A>,
        A: Into<OsString> + Clone,
    {
        let matches = reflowed(Self::command()).try_get_matches_from(arguments)?;
        match Self::from_arg_matches(&matches)?.command {
            Some(command) => Ok(command),
            None => Ok(Command::Up(UpArgs::default())),
        }
    }
}

/// Returns the command with the lines of each paragraph of its help joined, so that clap wraps them to the width of the terminal.
fn reflowed(command: clap::Command) -> clap::Command {
    let command = match command.get_after_help().map(ToString::to_string) {
        Some(help) => command.after_help(joined(&help)),
        None => command,
    };
    command.mut_subcommands(reflowed)
}

/// Joins the lines of each paragraph. Indented lines are commands, and a line before them ends with a colon: both stay as they are.
fn joined(help: &str) -> String {
    let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
    let (mut text, mut last) = (String::new(), None::<&str>);
    for line in help.lines() {
        if let Some(last) = last {
            text.push(if is_prose(last) && is_prose(line) && !last.ends_with(':') { ' ' } else { '\n' });
        }
        text.push_str(line);
        last = Some(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_joined_and_examples_are_not() {
        let help = "One\ntwo.\n\nThree:\nExample:\n  orderflow up\n  orderflow store\n\nLast\nline.";
        let expected = "One two.\n\nThree:\nExample:\n  orderflow up\n  orderflow store\n\nLast line.";
        assert_eq!(joined(help), expected);
    }

    #[test]
    fn no_example_is_wider_than_a_terminal() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let long = help.lines().find(|line| line.starts_with(' ') && line.chars().count() > 80);
            assert_eq!(long, None, "break it with a backslash");
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn the_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_up_with_its_defaults() {
        let Command::Up(bare) = Cli::command_from(["orderflow"]).ok().unwrap() else {
            panic!("not up");
        };
        let Command::Up(named) = Cli::command_from(["orderflow", "up"]).ok().unwrap() else {
            panic!("not up");
        };
        assert_eq!(format!("{bare:?}"), format!("{named:?}"));
    }

    #[test]
    fn the_flags_of_up_need_the_command() {
        let error = Cli::command_from(["orderflow", "--port", "1"]).err().unwrap();
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn every_flag_has_help_and_every_command_an_example() {
        fn check(command: &clap::Command) {
            let name = command.get_name();
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
            }
            let mut inner = command.get_subcommands().peekable();
            if inner.peek().is_none() {
                let help = command.get_after_help().map(ToString::to_string);
                assert!(help.is_some_and(|help| help.contains("orderflow ")), "{name} has no example");
            }
            inner.for_each(check);
        }
        check(&Cli::command());
    }

    /// Returns the commands of a help text, with continued lines joined. Only lines that run this program are commands of it.
    fn examples(help: &str) -> Vec<String> {
        let joined = help.replace("\\\n", " ");
        let lines = joined.lines().filter(|line| line.starts_with("  "));
        lines.filter_map(|line| line.find("orderflow ").map(|start| line[start..].to_owned())).collect()
    }

    /// Splits a command as a shell does: at spaces outside single quotes, and up to a redirection.
    fn words(command: &str) -> Vec<String> {
        let command = command.split(" > ").next().unwrap_or(command);
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for character in command.chars().chain([' ']) {
            match character {
                '\'' => quoted = !quoted,
                ' ' if !quoted => {
                    words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
                }
                _ => word.push(character),
            }
        }
        words
    }

    #[test]
    fn every_example_of_the_help_is_a_valid_command() {
        fn check(command: &clap::Command, checked: &mut usize) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for example in examples(&help) {
                if let Err(error) = Cli::command_from(words(&example)) {
                    panic!("{example}: {error}");
                }
                *checked += 1;
            }
            command.get_subcommands().for_each(|inner| check(inner, checked));
        }
        let mut checked = 0;
        check(&Cli::command(), &mut checked);
        assert!(checked > 30, "only {checked} examples were found");
    }
}
