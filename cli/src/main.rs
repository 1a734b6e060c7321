//! The program `orderflow`.

use std::process::ExitCode;

use clap::CommandFactory;
use orderflow::analytics::{self, AnalyticsError};
use orderflow::cli::{Cli, Command};
use orderflow::client::{self, ClientError, Output};
use orderflow::dlq::{self, DlqError};
use orderflow::{bridge, completions, migrate, settings, store, up};
use orderflow_settings::{EXIT_CODE, SettingsError};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut output = Output::standard();
    let environment = settings::environment();
    let command = Cli::command_from(std::env::args_os()).unwrap_or_else(|error| error.exit());
    if !command.writes_logs() {
        for unknown in environment.unknown_variables() {
            output.note(format_args!("warning: {unknown}"));
        }
    }
    match command {
        Command::Up(args) => finish(up::run(&args, &environment), &mut output),
        Command::Store(args) => finish(store::run(&args, &environment), &mut output),
        Command::Bridge(args) => finish(bridge::run(&args, &environment), &mut output),
        Command::Migrate(args) => finish(migrate::run(args, &environment, &mut output), &mut output),
        Command::Dlq(args) => match dlq::run(*args, &environment, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(DlqError::Client(error)) => failed(&error, &mut output),
            Err(error) => finish(Err(error.into()), &mut output),
        },
        Command::Analytics(args) => match analytics::run(*args, &environment, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(AnalyticsError::Client(error)) => failed(&error, &mut output),
            Err(AnalyticsError::Rebuild(error)) => finish(Err(error), &mut output),
        },
        Command::Completions(args) => {
            match completions::run(args, Cli::command(), &mut output).map_err(ClientError::from) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error, &mut output),
            }
        }
        Command::Client(command) => match client::run(*command, &environment, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error, &mut output),
        },
    }
}

/// Prints the error of a command, if any, and returns its exit code.
fn finish(result: anyhow::Result<()>, output: &mut Output) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.note(format_args!("error: {error:#}"));
            if error.is::<SettingsError>() { EXIT_CODE.into() } else { ExitCode::FAILURE }
        }
    }
}

fn failed(error: &ClientError, output: &mut Output) -> ExitCode {
    if !error.is_closed_output() {
        output.note(format_args!("error: {}", error.report()));
    }
    ExitCode::from(error.exit_code())
}
