//! Environment variables: the template sets every variable that a bundle reads, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use orderflow_tests::source_code::{sources, variables};
use serde_json::Value;

use crate::reading::{binaries, functions, root};

/// The variables that the template does not set, with the reason.
const NOT_SET: [(&str, &str); 3] = [
    ("AWS_ENDPOINT_URL", "the SDK knows the endpoints of AWS"),
    ("NO_COLOR", "logs are JSON"),
    ("TEMPLATES_DIR", "a bundle has the templates it was built with"),
];

#[test]
fn every_variable_that_is_read_is_set_somewhere_and_no_other() {
    let functions = functions();
    let read_by: BTreeMap<&str, BTreeSet<String>> =
        functions.keys().map(|bundle| (bundle.as_str(), variables_of(bundle))).collect();
    let mut read: BTreeSet<String> = read_by.values().flatten().cloned().collect();
    for (name, reason) in NOT_SET {
        assert!(read.remove(name), "{name} is not read ({reason})");
    }
    let set: BTreeSet<String> = functions.values().flat_map(|f| f.environment().into_keys()).collect();
    assert_eq!(read, set);
    for (bundle, function) in &functions {
        for name in function.environment().into_keys() {
            assert!(read_by[bundle.as_str()].contains(&name), "{bundle} does not read {name}");
        }
    }
}

#[test]
fn what_a_bundle_itself_reads_is_set_for_it() {
    for (bundle, file) in binaries() {
        let source = std::fs::read_to_string(file).unwrap();
        let mut names = variables(&source);
        if source.contains(".serve_queue(") {
            names.extend(["QUEUE_URL", "DEAD_LETTER_QUEUE_URL"].map(str::to_owned));
        }
        let environment = functions()[&bundle].environment();
        for name in names {
            assert!(environment.contains_key(&name), "{bundle} is not told of {name}");
        }
    }
}

/// Returns the names in the sources of a bundle: of its crate, and of the workspace's crates that it depends on.
fn variables_of(bundle: &str) -> BTreeSet<String> {
    let folders = folders_of(bundle);
    assert!(folders.len() > 3, "the dependency graph was not read: {folders:?}");
    let mut found = BTreeSet::new();
    for file in folders.iter().flat_map(|folder| sources(&folder.join("src")).unwrap()) {
        found.extend(variables(&std::fs::read_to_string(file).unwrap()));
    }
    found
}

/// Returns the folders of the workspace's crates that a bundle is built from.
fn folders_of(bundle: &str) -> BTreeSet<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let has_bundle = |package: &&Value| {
        let mut targets = package["targets"].as_array().unwrap().iter();
        targets.any(|target| target["name"] == bundle && target["kind"][0] == "bin")
    };
    let mut open: Vec<&Value> = packages.iter().filter(has_bundle).collect();
    assert_eq!(open.len(), 1, "{bundle}");
    let mut folders = BTreeSet::new();
    while let Some(package) = open.pop() {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        if !folders.insert(manifest.parent().unwrap().to_owned()) {
            continue;
        }
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        for dependency in dependencies.filter(|dependency| dependency["kind"] != "dev") {
            open.extend(packages.iter().filter(|package| package["name"] == dependency["name"]));
        }
    }
    folders
}
