//! Schemathesis generates requests from `/openapi.json`, valid and invalid ones, and checks every response against the document.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::access::{protected, token};
use crate::server::{Server, up};

/// The seconds that a run may take if the environment does not say otherwise.
const SECONDS: &str = "45";

/// The checks of Schemathesis that do not hold here. The first two do not know the rules of the shop; the check
/// `an_allowed_request_is_not_refused_for_its_shape` of hooks.py takes their place. The third wants 405 for a method that a path does not have, also where the caller gets 403.
const NOT_CHECKED: &str = "positive_data_acceptance,negative_data_rejection,unsupported_method";

/// The calls without which a run shows nothing.
const CALLS_MIN: u64 = 200;

/// Runs Schemathesis against a server and fails if it finds anything.
///
/// `ORDERFLOW_CONTRACT_SECONDS` sets how long it generates requests.
#[expect(clippy::print_stdout, reason = "`cargo test -- --nocapture` shows how many calls were made")]
fn check(server: &Server, who: &str, token: Option<String>) {
    let tool = env::var("ORDERFLOW_SCHEMATHESIS").expect("`cargo xtask test` sets the path of schemathesis");
    let seconds = env::var("ORDERFLOW_CONTRACT_SECONDS").unwrap_or_else(|_| SECONDS.to_owned());
    let folder = tempfile::tempdir().unwrap();
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/contract/hooks.py");
    let config = folder.path().join("schemathesis.toml");
    fs::write(&config, format!("hooks = {:?}\n", hooks.display().to_string())).unwrap();
    let url = server.url().replace("0.0.0.0", "127.0.0.1");
    let mut command = Command::new(tool);
    command
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(&config)
        .args(["run", &format!("{url}/openapi.json"), "--phases", "examples,coverage,fuzzing", "--no-color"])
        .args(["--max-time", &seconds, "--continue-on-failure", "--exclude-checks", NOT_CHECKED])
        // A request without a body needs a header that no form of another site can set.
        .args(["--header", "X-Orderflow: contract"]);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let run = command.output().unwrap();
    let report = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{report}\n{}", String::from_utf8_lossy(&run.stderr));
    let calls = report.lines().find_map(generated).unwrap_or_default();
    println!("{calls} calls of {who}");
    assert!(calls >= CALLS_MIN, "{calls} calls only: {report}");
}

/// Returns the number of calls in a line of the report: `  5120 generated, 5000 passed`.
fn generated(line: &str) -> Option<u64> {
    line.trim().split_once(" generated")?.0.parse().ok()
}

#[test]
fn every_answer_is_documented_with_auth_off() {
    check(&Server::start(up(&["--port", "0", "--ephemeral"])), "anyone", None);
}

#[test]
fn every_answer_to_a_customer_is_documented() {
    check(&Server::start(protected()), "a customer", Some(token("C100", "")));
}

#[test]
fn every_answer_to_an_operator_is_documented() {
    check(&Server::start(protected()), "an operator", Some(token("ops", "admin")));
}
