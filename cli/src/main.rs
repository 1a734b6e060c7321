//! The program `orderflow`.

use std::process::ExitCode;

use orderflow::cli::{Cli, Command};
use orderflow::client::{self, ClientError, Output};
use orderflow::up;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Cli::command_from(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let mut output = Output::standard();
    match command {
        Command::Up(args) => match up::run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                output.note(format_args!("error: {error:#}"));
                ExitCode::FAILURE
            }
        },
        Command::Client(command) => match client::run(*command, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error, &mut output),
        },
    }
}

fn failed(error: &ClientError, output: &mut Output) -> ExitCode {
    if !error.is_closed_output() {
        output.note(format_args!("error: {}", error.report()));
    }
    ExitCode::from(error.exit_code())
}
