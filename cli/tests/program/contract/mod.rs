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

/// Runs Schemathesis against a server and fails if it finds anything.
///
/// `ORDERFLOW_CONTRACT_SECONDS` sets how long it generates requests.
fn check(server: &Server, caller: &[(&str, &str)]) {
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
    for (name, value) in caller {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    let run = command.output().unwrap();
    let report = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{report}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn every_answer_is_documented_with_auth_off() {
    check(&Server::start(up(&["--port", "0", "--ephemeral"])), &[]);
}

#[test]
fn every_answer_to_a_customer_is_documented() {
    check(&Server::start(protected()), &[("Authorization", &format!("Bearer {}", token("C100", "")))]);
}

#[test]
fn every_answer_to_an_operator_is_documented() {
    check(&Server::start(protected()), &[("Authorization", &format!("Bearer {}", token("ops", "admin")))]);
}
