//! Usage, help and completions.

use crate::program::{ID, finish, program};

#[test]
fn wrong_usage_exits_with_2_and_prints_to_stderr() {
    for arguments in [
        "nonsense",
        "order",
        "order place",
        "order place --customer C --email e@example.com",
        "order place --customer C --email e@example.com --item A:x",
        "order place --customer C --email e@example.com --item A --timeout 30",
        "order list --limit 0",
        "order list --limit 101",
        "order list --status lost",
        "stock set A many",
        "stock get A --all",
        "health --url 127.0.0.1:8080",
        "notification list",
        "notification send --channel email --to a@example.com --template t --var total",
        "up --port 70000",
        "up --aws-endpoint http://h --broker amqp://h",
        "up --aws-endpoint http://h --dynamodb-endpoint http://h",
        "analytics rebuild --aws-endpoint http://h --dynamodb-endpoint http://h",
        "dlq list --aws-endpoint http://h --url http://h",
        "completions tcsh",
    ] {
        let run = finish(&mut program(arguments));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments}: {run:?}");
        assert!(!run.err.is_empty());
    }
}

#[test]
fn the_nearest_command_or_value_is_named() {
    for (arguments, named) in [
        ("oder list", "'order'"),
        ("order cancle x", "'cancel'"),
        ("cancel x", "`orderflow order cancel`"),
        ("replay", "`orderflow dlq replay`"),
        ("dlq list payments", "'payment'"),
        ("dlq list --code undecodeable", "'undecodable'"),
        ("order list --sttus pending", "'--status'"),
    ] {
        let run = finish(&mut program(arguments));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments}: {run:?}");
        assert!(run.err.contains(named), "{arguments}: {}", run.err);
    }
    let unknown = finish(&mut program("nonsense"));
    assert!(!unknown.err.contains("did you mean"), "{unknown:?}");
}

/// Returns every command with its words, the program itself first.
fn commands() -> Vec<String> {
    fn collect(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        found.push(path.trim().to_owned());
        for inner in command.get_subcommands() {
            collect(inner, &format!("{path} {}", inner.get_name()), found);
        }
    }
    let mut found = Vec::new();
    collect(&<orderflow::cli::Cli as clap::CommandFactory>::command(), "", &mut found);
    found
}

#[test]
fn help_is_wrapped_to_the_width() {
    for command in commands() {
        let run = finish(program(&format!("{command} --help")).env("COLUMNS", "80"));
        assert_eq!(run.code, 0, "{command}: {run:?}");
        // clap does not wrap the line of the usage.
        let is_usage = |line: &str| line.starts_with("Usage:");
        let long = run.out.lines().find(|line| line.chars().count() > 80 && !is_usage(line));
        assert_eq!(long, None, "{command}");
    }
}

#[test]
fn help_shows_examples_and_variables_and_no_token() {
    let mut command = program("order get --help");
    let run = finish(command.env("ORDERFLOW_TOKEN", "secret"));
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    for expected in
        [&format!("orderflow order get {ID}"), "ORDERFLOW_URL", "ORDERFLOW_TOKEN", "http://127.0.0.1:8080"]
    {
        assert!(run.out.contains(expected), "{expected}: {}", run.out);
    }
    assert!(!run.out.contains("secret"));
    let up = finish(&mut program("up --help"));
    assert!(up.out.contains("8080") && up.out.contains("ORDERFLOW_DATA_DIR"));
}

#[test]
fn every_shell_has_a_completion_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = finish(&mut program(&format!("completions {shell}")));
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{shell}");
        assert!(run.out.contains("orderflow"), "{shell}");
    }
}

#[test]
fn the_version_is_printed() {
    let run = finish(&mut program("--version"));
    assert!(run.out.starts_with("orderflow "), "{run:?}");
}

#[test]
fn no_message_quotes_a_password() {
    for arguments in [
        "up --dynamodb-endpoint http://shop:s3cret@127.0.0.1:1",
        "up --broker http://shop:s3cret@h",
        "up http://shop:s3cret@h",
        "up --port http://h?token=s3cret",
        "health --url http://shop:s3cret@h",
        "health --ulr=shop:s3cret@h",
        "order get http://shop:s3cret@h --url http://127.0.0.1:1",
        "order list --limit amqp://shop:s3cret@h",
        "dlq list --broker amqp://shop:s3cret@127.0.0.1:1",
        "bridge --invoke http://shop:s3cret@h --broker amqp://shop:s3cret@h --dynamodb-endpoint http://h",
        "bridge --invoke payment=http://shop:s3cret@h --broker amqp://h --dynamodb-endpoint http://h",
    ] {
        let run = finish(&mut program(arguments));
        assert!(run.code != 0 && !run.err.is_empty(), "{arguments}: {run:?}");
        assert!(!format!("{}{}", run.out, run.err).contains("s3cret"), "{arguments}: {run:?}");
    }
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_one_sentence() {
    let run = finish(&mut program("dlq list --aws-endpoint http://127.0.0.1:1"));
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
    assert!(
        run.err.starts_with("error: the queues at http://127.0.0.1:1 cannot be found: GetQueueUrl failed: "),
        "{run:?}"
    );
    assert!(run.err.contains("Connection refused") && run.err.lines().count() == 1, "{run:?}");
    assert!(!run.err.contains(['{', '}']) && !run.err.contains("DispatchFailure"), "{run:?}");
}
