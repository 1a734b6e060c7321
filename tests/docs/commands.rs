//! docs/reference/commands.md, which is made from the definition of the command line.
//! `UPDATE_EXPECT=1 cargo test -p orderflow-tests --test docs` writes it again after a change.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};
use expect_test::expect_file;
use orderflow::cli::Cli;

const HEAD: &str = "\
# Commands

Every command of the program `orderflow`, with its arguments, made from `orderflow --help`. Data goes to stdout, everything else to
stderr. The exit code is 0 when the command succeeded, 1 when it failed, 2 when the command line or a setting is wrong, and 3 when `health` finds the
system degraded.

Commands that ask a running system take `--url URL` (variable `ORDERFLOW_URL`, default `http://127.0.0.1:8080`), `--token TOKEN` (variable
`ORDERFLOW_TOKEN`), and `--json`, which prints the server's JSON instead of a table. They are left out below.

A test compares this page with the program: `UPDATE_EXPECT=1 cargo test -p orderflow-tests --test docs` writes it again.
";

/// The arguments that the head of the page explains, for all commands.
const LISTED_ONCE: [&str; 5] = ["help", "json", "token", "url", "version"];

/// Returns a cell of a table: one line, without the character that ends a cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

/// Returns how an argument is written, such as `--port PORT` or `<ID>`.
fn spelling(argument: &Arg) -> String {
    let values: Vec<String> =
        argument.get_value_names().into_iter().flatten().map(ToString::to_string).collect();
    match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => format!("--{long} {}", values.join(" ")),
        Some(long) => format!("--{long}"),
        None => format!("<{}>", values.join(" ")),
    }
}

/// Takes the help of a setting apart: the text, the variable behind `[env: ` and the default behind `[default: `.
fn parts_of_help(help: &str) -> (&str, Option<&str>, Option<&str>) {
    let (help, default) = match help.split_once(" [default: ") {
        Some((help, default)) => (help, default.strip_suffix(']')),
        None => (help, None),
    };
    match help.split_once(" [env: ") {
        Some((help, variable)) => (help, variable.strip_suffix("=]"), default),
        None => (help, None, default),
    }
}

fn write_arguments(page: &mut String, command: &Command) {
    let mut arguments = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && !LISTED_ONCE.contains(&argument.get_id().as_str()))
        .peekable();
    if arguments.peek().is_none() {
        return;
    }
    page.push_str("\n| argument | variable | default | meaning |\n|---|---|---|---|\n");
    for argument in arguments {
        let code =
            |text: String| if text.is_empty() { text } else { format!("`{}`", text.replace('|', "\\|")) };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let (help, variable, default) = parts_of_help(&help);
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
        let default = match default {
            None if argument.get_action().takes_values() => defaults.collect::<Vec<_>>().join(" "),
            default => default.unwrap_or_default().to_owned(),
        };
        writeln!(
            page,
            "| {} | {} | {} | {} |",
            code(spelling(argument)),
            code(variable.unwrap_or_default().to_owned()),
            code(default),
            cell(help)
        )
        .unwrap();
    }
}

fn write_command(page: &mut String, path: &str, command: &Command) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    write!(page, "\n{} {path}\n\n{about}.\n", if path.contains(' ') { "###" } else { "##" }).unwrap();
    write_arguments(page, command);
    if let Some(after) = command.get_after_help() {
        write!(page, "\n```text\n{}\n```\n", after.to_string().trim()).unwrap();
    }
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        write_command(page, &format!("{path} {}", inner.get_name()), inner);
    }
}

#[test]
fn the_page_is_made_from_the_help() {
    let mut cli = Cli::command();
    cli.build();
    let mut page = HEAD.to_owned();
    for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
        write_command(&mut page, command.get_name(), command);
    }
    expect_file!["../../docs/reference/commands.md"].assert_eq(&page);
}
