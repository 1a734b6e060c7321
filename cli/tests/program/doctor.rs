//! `orderflow doctor`.

use std::collections::BTreeMap;
use std::path::Path;

use orderflow_testing::program::{Launch, Run};
use serde_json::Value;

use crate::server::Server;

fn doctor(arguments: &[&str]) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["doctor"].iter().chain(arguments))
}

/// Returns the checks of a run by their names: state, what was found, and what to do.
fn checks(run: &Run) -> BTreeMap<String, (String, String, String)> {
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    let checks: BTreeMap<_, _> = checks
        .map(|check| {
            (text(check, "name"), (text(check, "state"), text(check, "found"), text(check, "advice")))
        })
        .collect();
    let fails = checks.values().any(|(state, _, _)| state == "failed");
    assert_eq!((report["ok"].as_bool().unwrap(), run.code), (!fails, i32::from(fails)), "{run:?}");
    checks
}

fn in_folder(data: &Path) -> [&str; 2] {
    ["--data-dir", data.to_str().unwrap()]
}

#[test]
fn a_fresh_machine_needs_nothing_for_the_default_mode() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let run = doctor(&[&["--port", "0", "--json"][..], &in_folder(&data)].concat()).run();
    let checks = checks(&run);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(["port", "data", "disk"].iter().all(|name| checks[*name].0 == "ok"), "{checks:?}");
    // Without a PATH there is no other program. That is information, and each row says where to get it.
    for tool in ["docker", "compose", "sam", "cargo-lambda"] {
        assert!(checks[tool].0 == "absent" && checks[tool].2.contains("https://"), "{checks:?}");
    }
    assert!(!data.exists(), "nothing is changed");
}

#[test]
fn a_running_system_has_the_port_and_the_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::on(folder.path());
    let port = server.url().rsplit_once(':').unwrap().1.to_owned();
    let run = doctor(&[&["--port", &port, "--json"][..], &in_folder(folder.path())].concat()).run();
    let found = checks(&run);
    assert_eq!((run.code, found["port"].0.as_str(), found["data"].0.as_str()), (1, "failed", "failed"));
    assert!(found["port"].1.contains("an Orderflow already listens"), "{found:?}");
    assert!(found["data"].1.contains("in use") && run.err.contains("2 checks failed"), "{run:?}");
    assert!(server.stop().success());
    let after = checks(&doctor(&[&["--port", "0", "--json"][..], &in_folder(folder.path())].concat()).run());
    assert!(after["data"].0 == "ok" && after["data"].1.contains("format"), "{after:?}");
}

#[test]
fn a_store_and_a_broker_are_checked_where_the_settings_name_them() {
    let store = Launch::new(env!("CARGO_BIN_EXE_orderflow"), ["store", "--port", "0", "--ephemeral"]).start();
    let run = doctor(&["--port", "0", "--json", "--dynamodb-endpoint", store.url()]).run();
    let found = checks(&run);
    assert_eq!((run.code, found["store"].0.as_str()), (0, "ok"), "{found:?}");
    assert!(found["store"].1.contains("missing"), "{found:?}");
    assert!(!found.contains_key("data") && !found.contains_key("rabbitmq"), "{found:?}");
    drop(store);

    let nowhere = ["--dynamodb-endpoint", "http://127.0.0.1:1", "--broker", "amqp://shop:s3cret@127.0.0.1:1"];
    let run = doctor(&[&["--port", "0", "--json"][..], &nowhere].concat()).run();
    let found = checks(&run);
    assert_eq!((found["store"].0.as_str(), found["rabbitmq"].0.as_str()), ("failed", "failed"), "{found:?}");
    assert!(found["store"].1.contains("Connection refused"), "{found:?}");
    assert!(found["rabbitmq"].2.contains("docker run"), "{found:?}");
    assert!(!format!("{}{}", run.out, run.err).contains("s3cret"));
}

#[test]
fn the_table_fits_80_columns_and_wrong_settings_exit_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a-long-name/".repeat(12));
    let run = doctor(&[&["--port", "0"][..], &in_folder(&deep)].concat()).run();
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.starts_with("CHECK         STATE   FOUND\n"), "{}", run.out);
    assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{}", run.out);
    assert!(!run.out.contains('\u{1b}'));
    assert_eq!(doctor(&["--port", "80a"]).run().code, 2);
}
