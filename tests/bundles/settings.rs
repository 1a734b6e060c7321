//! A bundle reports all settings that it cannot use in one event when it starts.

use std::collections::BTreeSet;
use std::process::Command;

use orderflow_settings::declared::ALL;
use orderflow_settings::{Kind, Program, Setting};
use serde_json::Value;

use crate::world::bundle_path;

/// A value that a setting does not allow.
fn bad_value(setting: &Setting) -> &'static str {
    match setting.kind {
        Kind::Folder => "/nowhere",
        _ if setting.variable == "RUST_LOG" => "loud",
        _ => "b\u{e4}d value",
    }
}

/// The limits of the program, which functions refuse instead of ignoring them.
const LIMITS: [&str; 5] = [
    "ORDERFLOW_RATE_LIMIT",
    "ORDERFLOW_RATE_BURST",
    "ORDERFLOW_GLOBAL_RATE_LIMIT",
    "ORDERFLOW_MAX_IN_FLIGHT",
    "ORDERFLOW_TRUSTED_PROXIES",
];

#[test]
fn every_bundle_reports_all_settings_that_it_cannot_use() {
    for bundle in Program::BUNDLES {
        let variables = ALL.iter().map(|setting| (setting.variable, bad_value(setting)));
        let output = Command::new(bundle_path(bundle.name())).env_clear().envs(variables).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{}: {text}", bundle.name());
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [event] = &events[..] else { panic!("{}: not one event: {text}", bundle.name()) };
        assert_eq!(
            (event["level"].as_str(), event["service"].as_str()),
            (Some("ERROR"), Some(bundle.name()))
        );
        let error = event["error"].as_str().unwrap();
        let named: BTreeSet<&str> =
            error.lines().skip(1).filter_map(|line| line.trim().split(':').next()).collect();
        let read = ALL.iter().filter(|setting| setting.is_read_by(bundle)).map(|setting| setting.variable);
        let expected: BTreeSet<&str> = read.chain(LIMITS).collect();
        assert_eq!(named, expected, "{}: {error}", bundle.name());
    }
}
