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
    assert!(run.err.contains(".env line 2 is not NAME=value") && !run.err.contains("secret"), "{run:?}");
}
