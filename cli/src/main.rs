//! The program `orderflow`.

use std::process::ExitCode;

use orderflow::analytics::{self, AnalyticsError};
use orderflow::cli::{Cli, Command};
use orderflow::client::{self, ClientError, Output};
use orderflow::dlq::{self, DlqError};
use orderflow::{bridge, env_file, migrate, store, up};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut output = Output::standard();
    if let Err(error) = env_file::read() {
        return ended(Err(error), &mut output);
    }
    let command = Cli::command_from(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match command {
        Command::Up(args) => ended(up::run(args), &mut output),
        Command::Store(args) => ended(store::run(args), &mut output),
        Command::Bridge(args) => ended(bridge::run(args), &mut output),
        Command::Migrate(args) => ended(migrate::run(args, &mut output), &mut output),
        Command::Dlq(args) => match dlq::run(*args, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(DlqError::Client(error)) => failed(&error, &mut output),
            Err(error) => ended(Err(error.into()), &mut output),
        },
        Command::Analytics(args) => match analytics::run(*args, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(AnalyticsError::Client(error)) => failed(&error, &mut output),
            Err(AnalyticsError::Rebuild(error)) => ended(Err(error), &mut output),
        },
        Command::Client(command) => match client::run(*command, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error, &mut output),
        },
    }
}

/// The end of a command whose errors say themselves what to do.
fn ended(result: anyhow::Result<()>, output: &mut Output) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.note(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn failed(error: &ClientError, output: &mut Output) -> ExitCode {
    if !error.is_closed_output() {
        output.note(format_args!("error: {}", error.report()));
    }
    ExitCode::from(error.exit_code())
}
