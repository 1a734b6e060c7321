//! The file `.env`.

use std::path::Path;

use orderflow_testing::program::Run;
use tempfile::TempDir;

use crate::program::{finish, program};

fn folder_with(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), text).unwrap();
    folder
}

fn health(folder: &Path, environment: &[(&str, &str)]) -> Run {
    finish(program("health").current_dir(folder).envs(environment.iter().copied()))
}

#[test]
fn variables_of_the_environment_take_precedence_over_the_file() {
    let folder = folder_with("# a comment\nORDERFLOW_URL=http://127.0.0.1:1\n");
    let run = health(folder.path(), &[]);
    assert!(run.err.contains("127.0.0.1:1"), "{run:?}");
    let run = health(folder.path(), &[("ORDERFLOW_URL", "http://127.0.0.1:2")]);
    assert!(run.err.contains("127.0.0.1:2"), "{run:?}");
}

#[test]
fn only_the_file_of_the_working_directory_is_read() {
    let folder = folder_with("ORDERFLOW_URL=http://127.0.0.1:1\n");
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let run = health(&inner, &[]);
    assert!(!run.err.contains("127.0.0.1:1\n") && run.err.contains("127.0.0.1:8080"), "{run:?}");
}

#[test]
fn the_error_locates_a_bad_line_without_quoting_it() {
    let folder = folder_with("ORDERFLOW_PORT=1\nSMTP_URL=very secret\n");
    let run = health(folder.path(), &[]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    let expected = ".env line 2 has a value that needs quotes: put the value in double quotes";
    assert!(run.err.contains(expected) && !run.err.contains("secret"), "{run:?}");
}

#[test]
fn a_bad_line_is_listed_with_the_other_problems() {
    let folder = folder_with("SMTP_URL secret\nORDERFLOW_URL=ftp://h\n");
    let run = health(folder.path(), &[]);
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    let lines: Vec<&str> = run.err.lines().map(str::trim).collect();
    assert_eq!(lines[..2], ["error: 2 settings cannot be used:", ".env line 1 is not NAME=value"], "{run:?}");
    assert!(lines[2].starts_with("ORDERFLOW_URL (.env line 2): "), "{run:?}");
}

#[test]
fn commands_without_settings_work_beside_a_bad_file() {
    let folder = folder_with("this is not for orderflow\n");
    for arguments in ["--help", "up --help", "--version", "completions bash"] {
        let run = finish(program(arguments).current_dir(folder.path()));
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments}");
        assert!(run.out.contains("orderflow"), "{arguments}: {run:?}");
    }
}

#[test]
fn undeclared_variables_are_ignored_with_a_warning() {
    let folder =
        folder_with("EDITOR=./evil\nORDERFLOW_URL=http://127.0.0.1:1\nHTTP_PROXY=http://127.0.0.1:2\n");
    let run = health(folder.path(), &[]);
    assert!(run.err.contains("warning: EDITOR (.env line 1) is not a setting and is ignored"), "{run:?}");
    assert!(run.err.contains("warning: HTTP_PROXY (.env line 3) is not a setting and is ignored"), "{run:?}");
}

#[test]
fn a_token_is_not_sent_in_the_clear_to_a_host_that_the_file_names() {
    let folder = folder_with("ORDERFLOW_URL=http://192.0.2.1\n");
    for arguments in ["health", "dlq list"] {
        let run = finish(program(arguments).current_dir(folder.path()).env("ORDERFLOW_TOKEN", "s3cret"));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        let expected = "error: ORDERFLOW_TOKEN is not sent to http://192.0.2.1 over plain HTTP, because ORDERFLOW_URL (.env line 1) comes";
        assert!(run.err.contains(expected) && !run.err.contains("s3cret"), "{run:?}");
    }
    let keys = folder_with("STRIPE_API_URL=http://192.0.2.1\nOTEL_EXPORTER_OTLP_ENDPOINT=http://192.0.2.1\n");
    let mut command = program("up --ephemeral --port 0");
    command.env("STRIPE_API_KEY", "sk_test_s3cret").env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret");
    let run = finish(command.current_dir(keys.path()));
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    for key in ["STRIPE_API_KEY", "OTEL_EXPORTER_OTLP_HEADERS"] {
        assert!(
            run.err.contains(&format!("{key} is not sent over plain HTTP to another host, because")),
            "{run:?}"
        );
    }
    let aws = folder_with("ORDERFLOW_AWS_ENDPOINT=http://192.0.2.1\n");
    let tables = folder_with("ORDERFLOW_DYNAMODB_ENDPOINT=http://192.0.2.1\n");
    let sdk =
        folder_with("ORDERFLOW_DYNAMODB_ENDPOINT=http://127.0.0.1:1\nAWS_ENDPOINT_URL=http://192.0.2.1\n");
    let broker = folder_with("ORDERFLOW_BROKER=amqp://shop@192.0.2.1\nORDERFLOW_BROKER_PASSWORD_FILE=.env\n");
    for (folder, arguments, named) in [
        (&aws, "up --port 0", "ORDERFLOW_AWS_ENDPOINT (.env line 1)"),
        (&aws, "dlq list", "ORDERFLOW_AWS_ENDPOINT (.env line 1)"),
        (&aws, "migrate status", "ORDERFLOW_AWS_ENDPOINT (.env line 1)"),
        (&tables, "up --port 0", "ORDERFLOW_DYNAMODB_ENDPOINT (.env line 1)"),
        (
            &tables,
            "bridge --invoke http://127.0.0.1:1 --broker amqp://127.0.0.1:1",
            "ORDERFLOW_DYNAMODB_ENDPOINT (.env line 1)",
        ),
        (&tables, "analytics rebuild", "ORDERFLOW_DYNAMODB_ENDPOINT (.env line 1)"),
        (
            &sdk,
            "bridge --invoke http://127.0.0.1:1 --broker amqp://127.0.0.1:1",
            "AWS_ENDPOINT_URL (.env line 2)",
        ),
        (&broker, "up --port 0 --ephemeral", "ORDERFLOW_BROKER (.env line 1)"),
        (&broker, "dlq list", "ORDERFLOW_BROKER (.env line 1)"),
    ] {
        let mut command = program(arguments);
        command.env("AWS_ACCESS_KEY_ID", "AKIAS3CRET").env("AWS_SESSION_TOKEN", "s3cret");
        let run = finish(command.current_dir(folder.path()));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments} {run:?}");
        let expected = format!("to another host, because {named} comes from a file");
        assert_eq!(run.err.matches(&expected).count(), 1, "{arguments} {run:?}");
    }
    let local = folder_with("ORDERFLOW_URL=http://127.0.0.1:1\n");
    let run = health(local.path(), &[("ORDERFLOW_TOKEN", "s3cret")]);
    assert!(run.err.contains("cannot reach http://127.0.0.1:1"), "{run:?}");
}
