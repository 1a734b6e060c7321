//! The program `orderflow`.

use std::process::ExitCode;

use clap::CommandFactory;
use orderflow::analytics::{self, AnalyticsError};
use orderflow::cli::{Cli, Command};
use orderflow::client::{self, ClientError, Output};
use orderflow::dlq::{self, DlqError};
use orderflow::{bench, bill, bridge, completions, demo, doctor, migrate, nearest, settings, sim, store, up};
use orderflow_errors::without_secrets_of;
use orderflow_settings::{EXIT_CODE, SettingsError};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut output = Output::standard();
    let environment = settings::environment();
    let command = Cli::command_from(std::env::args_os()).unwrap_or_else(|error| refuse(&error, &mut output));
    if !command.writes_logs() {
        for unknown in environment.unknown_variables() {
            output.note(format_args!("warning: {unknown}"));
        }
    }
    match command {
        Command::Up(args) => finish(up::run(&args, &environment), &mut output),
        Command::Demo(args) => finish(demo::run(&args, &environment, &mut output), &mut output),
        Command::Doctor(args) => finish(doctor::run(&args, &environment, &mut output), &mut output),
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
        Command::Bill(args) => finish(bill::run(&args, &mut output), &mut output),
        Command::Sim(args) => finish(sim::run(&args, &mut output), &mut output),
        Command::Bench(args) => finish(bench::run(&args, &environment, &mut output), &mut output),
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

/// Prints the help or what is wrong with the arguments, and ends the program. A refused argument is quoted without the secrets of a URL.
fn refuse(error: &clap::Error, output: &mut Output) -> ! {
    if !error.use_stderr() {
        std::process::exit(match error.print() {
            Ok(()) => 0,
            Err(unwritten) => exit_code(&unwritten.into(), output).into(),
        });
    }
    let text = error.render().to_string();
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let shown = without_secrets_of(arguments.iter().map(String::as_str), &text);
    if shown == text {
        // With colours. A failure to write it cannot be reported.
        let _unwritten = error.print();
    } else {
        output.note(shown.trim_end());
    }
    if let Some(meant) = nearest::meant(error, &Cli::command()) {
        output.note(meant);
    }
    std::process::exit(error.exit_code())
}

/// Prints the error of a command, if any, and returns its exit code.
fn finish(result: anyhow::Result<()>, output: &mut Output) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(error) = error.downcast_ref::<ClientError>() {
                return failed(error, output);
            }
            output.note(format_args!("error: {error:#}"));
            if error.is::<SettingsError>() { EXIT_CODE.into() } else { ExitCode::FAILURE }
        }
    }
}

fn failed(error: &ClientError, output: &mut Output) -> ExitCode {
    ExitCode::from(exit_code(error, output))
}

/// Prints an error, unless the reader of the output closed it, and returns the exit code.
fn exit_code(error: &ClientError, output: &mut Output) -> u8 {
    if !error.is_closed_output() {
        output.note(format_args!("error: {}", error.report()));
    }
    error.exit_code()
}
