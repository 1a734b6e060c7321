//! Settings from flags, the environment and `.env`: which are refused, and how they are named.

use std::collections::BTreeSet;

use orderflow_settings::declared::ALL;
use orderflow_settings::{Kind, Program, Setting};
use orderflow_testing::program::Run;

use crate::program::{finish, program};

/// Returns a value that a setting does not allow, or `None` if it allows every text.
fn bad_value(setting: &Setting) -> Option<&'static str> {
    match setting.kind {
        Kind::Folder if setting.variable == "TEMPLATES_DIR" => Some("/nowhere/templates"),
        Kind::Folder => None,
        Kind::File => Some("/nowhere/file"),
        _ if setting.variable == "RUST_LOG" => Some("loud"),
        // One of several values that no kind takes: it is no URL, no number, no name and no HTTP header.
        _ => Some("b\u{e4}d value"),
    }
}

/// The variables that the lines of an error begin with.
fn named(run: &Run) -> BTreeSet<String> {
    let known = |name: &&str| ALL.iter().any(|setting| setting.variable == *name);
    let words =
        run.err.lines().filter_map(|line| line.trim().trim_start_matches("error: ").split(':').next());
    words.filter(known).map(str::to_owned).collect()
}

/// What `store` and `bridge`, which have no API, refuse instead of ignoring it.
const PROTECTION: [&str; 10] = [
    "ORDERFLOW_AUTH",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "JWT_JWKS_URL",
    "JWT_SECRET",
    "JWT_PUBLIC_KEY",
    "ORDERFLOW_RATE_LIMIT",
    "ORDERFLOW_RATE_BURST",
    "ORDERFLOW_GLOBAL_RATE_LIMIT",
    "ORDERFLOW_MAX_IN_FLIGHT",
];

/// Every command reads exactly the settings that its declaration says, and reports all that it cannot use.
#[test]
fn every_command_reports_all_settings_that_it_cannot_use() {
    for (reader, arguments) in [
        (Program::Up, "up"),
        (Program::Store, "store"),
        (Program::Bridge, "bridge --invoke http://127.0.0.1:9"),
        (Program::Migrate, "migrate status"),
        (Program::AnalyticsRebuild, "analytics rebuild"),
        (Program::Dlq, "dlq list"),
        (Program::Client, "health"),
    ] {
        let mut command = program(arguments);
        let mut expected = BTreeSet::new();
        for setting in ALL {
            let Some(value) = bad_value(setting) else { continue };
            command.env(setting.variable, value);
            if setting.is_read_by(reader) {
                expected.insert(setting.variable.to_owned());
            }
        }
        if matches!(reader, Program::Store | Program::Bridge) {
            expected.extend(PROTECTION.map(str::to_owned));
        }
        let run = finish(&mut command);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments}: {run:?}");
        assert_eq!(named(&run), expected, "{arguments}: {}", run.err);
    }
}

#[test]
fn a_password_in_the_url_of_a_function_is_not_shown() {
    for value in ["http://shop:s3cret@127.0.0.1:9", "payment=http://127.0.0.1:9/?token=s3cret"] {
        let run = finish(program("bridge").args(["--invoke", value]));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        assert!(run.err.contains("--invoke: must not contain a user name"), "{}", run.err);
        assert!(!run.err.contains("s3cret"), "{}", run.err);
    }
}

#[test]
fn one_error_names_every_setting_with_its_value_and_what_is_allowed() {
    let mut command = program("");
    let environment =
        [("ORDERFLOW_PORT", "80a"), ("PAYMENT_SUCCESS_RATE", "2"), ("ORDERFLOW_EPHEMERAL", "disabled")];
    let run = finish(command.envs(environment));
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    let mut lines: Vec<&str> = run.err.lines().map(str::trim).collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            r#"ORDERFLOW_EPHEMERAL: "disabled" is not one of true, false, yes, no, on, off, 1, 0"#,
            r#"ORDERFLOW_PORT: "80a" is not a port number (0 to 65535)"#,
            r#"PAYMENT_SUCCESS_RATE: "2" is not a number from 0 to 1"#,
            "error: 3 settings cannot be used:",
        ]
    );
}

#[test]
fn a_switch_with_another_word_does_not_open_the_program() {
    let mut command = program("up --port 0 --ephemeral --host 0.0.0.0");
    let run = finish(command.env("ORDERFLOW_INSECURE", "disabled"));
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    assert!(run.err.contains(r#"ORDERFLOW_INSECURE: "disabled" is not one of true, false"#), "{}", run.err);
}

#[test]
fn an_unknown_log_level_is_refused() {
    let run = finish(program("up --port 0 --ephemeral").env("RUST_LOG", "loud"));
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    assert!(run.err.contains(r#"RUST_LOG: "loud" is not a level (off, error, warn, info"#), "{}", run.err);
}

#[test]
fn settings_that_exclude_each_other_are_named_as_they_were_given() {
    let folder = tempfile::tempdir().unwrap();
    let text = "# comment\nORDERFLOW_BROKER=amqp://h\nORDERFLOW_AWS_ENDPOINT=http://h\n";
    std::fs::write(folder.path().join(".env"), text).unwrap();
    for (arguments, variable, expected) in [
        (
            "up",
            None,
            "ORDERFLOW_AWS_ENDPOINT (.env line 3) and ORDERFLOW_BROKER (.env line 2) exclude each other",
        ),
        (
            "up --broker amqp://h",
            Some("ORDERFLOW_AWS_ENDPOINT"),
            "ORDERFLOW_AWS_ENDPOINT and --broker exclude each other",
        ),
    ] {
        let mut command = program(arguments);
        command.current_dir(folder.path()).envs(variable.map(|name| (name, "http://h")));
        let run = finish(&mut command);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        assert!(run.err.contains(expected), "{}", run.err);
    }
}

#[test]
fn a_password_in_an_endpoint_is_not_shown() {
    for setting in ["ORDERFLOW_DYNAMODB_ENDPOINT", "ORDERFLOW_AWS_ENDPOINT", "ORDERFLOW_BROKER", "SMTP_URL"] {
        let run = finish(program("up").env(setting, "ftp://user:s3cret@h"));
        assert_eq!(run.code, 2, "{setting}: {run:?}");
        assert!(run.err.contains(setting) && !run.err.contains("s3cret"), "{}", run.err);
    }
}

#[test]
fn a_token_in_the_query_of_a_url_is_not_shown() {
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "htp://127.0.0.1:1/?token=s3cret"),
        ("ORDERFLOW_BROKER", "http://h/?password=s3cret"),
        ("ORDERFLOW_AWS_ENDPOINT", "http://h/?token=s3cret"),
        ("ORDERFLOW_DYNAMODB_ENDPOINT", "http://h/?token=a@s3cret"),
        ("SMTP_URL", "smtp://h?tls=s3cret"),
        ("STRIPE_API_URL", "ftp://h#s3cret"),
    ] {
        let run = finish(program("up --port 0 --ephemeral").env(variable, value));
        assert_eq!(run.code, 2, "{variable}: {run:?}");
        assert!(run.err.contains(variable) && !run.err.contains("s3cret"), "{}", run.err);
    }
    let run = finish(program("health").env("ORDERFLOW_URL", "http://h/?a=s3cret"));
    assert_eq!(run.code, 2, "{run:?}");
    let expected = r#"ORDERFLOW_URL: "http://h/?***" cannot be used: it must not contain a user name"#;
    assert!(run.err.contains(expected) && !run.err.contains("s3cret"), "{}", run.err);
}

#[test]
fn a_value_beyond_its_bound_is_refused() {
    for (variable, value, reason) in [
        ("CATALOG_CACHE_TTL", "86401s", "it is longer than 1day"),
        ("ORDERFLOW_MAX_ATTEMPTS", "4294967296", "it is too large"),
    ] {
        let run = finish(program("up --port 0 --ephemeral").env(variable, value));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        let expected = format!("error: {variable}: {value:?} cannot be used: {reason}\n");
        assert_eq!(run.err, expected);
    }
}

#[cfg(unix)]
#[test]
fn a_data_directory_that_is_not_utf8_is_refused_before_it_is_created() {
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"d\xff");
    let mut command = program("up --port 0");
    let run = finish(command.current_dir(folder.path()).env("ORDERFLOW_DATA_DIR", name));
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    assert!(run.err.starts_with("error: ORDERFLOW_DATA_DIR: ") && run.err.contains("UTF-8"), "{}", run.err);
    assert!(!folder.path().join(name).exists());
}

#[test]
fn a_misspelt_variable_is_a_warning_with_a_suggestion() {
    let run = finish(program("health --url http://127.0.0.1:1").env("ORDERFLOW_PROT", "9000"));
    let expected = "warning: ORDERFLOW_PROT is not a setting; did you mean ORDERFLOW_PORT?";
    assert!(run.err.contains(expected), "{}", run.err);
    // A command that writes logs warns there. It ends here because the folder holds no data directory.
    let run = finish(program("migrate status --data-dir /nowhere").env("ORDERFLOW_PROT", "9000"));
    assert!(run.err.contains("did you mean ORDERFLOW_PORT?"), "{}", run.err);
}

#[test]
fn empty_variables_of_client_commands_are_the_same_as_none() {
    let empty = ALL.iter().map(|setting| (setting.variable, ""));
    let run = finish(program("health").envs(empty));
    assert!(run.err.contains("cannot reach http://127.0.0.1:8080"), "{run:?}");
}
