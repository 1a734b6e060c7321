//! Who may import whom.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A package's folder in the repository, and the packages it needs to be built (not to be tested).
struct Package {
    folder: String,
    dependencies: BTreeSet<String>,
}

fn metadata(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn packages() -> BTreeMap<String, Package> {
    let metadata = metadata(&["--no-deps"]);
    let root = metadata["workspace_root"].as_str().unwrap().to_owned();
    let package = |package: &Value| {
        let manifest = package["manifest_path"].as_str().unwrap();
        let folder = manifest.strip_prefix(&root).unwrap().trim_matches('/').trim_end_matches("/Cargo.toml");
        let built = |dependency: &&Value| dependency["kind"] != "dev";
        let dependencies = package["dependencies"].as_array().unwrap().iter().filter(built);
        let dependencies = dependencies.map(|d| d["name"].as_str().unwrap().to_owned()).collect();
        (package["name"].as_str().unwrap().to_owned(), Package { folder: folder.to_owned(), dependencies })
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

/// Everything that is built for a package, however far down: names as in `path+file:///shared/domain#orderflow-domain@0.1.0`.
fn everything_under(package: &str) -> BTreeSet<String> {
    let metadata = metadata(&[]);
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let mut open: Vec<&str> =
        nodes.iter().filter_map(|node| node["id"].as_str()).filter(|id| id.contains(package)).collect();
    assert_eq!(open.len(), 1, "{open:?}");
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        let node = nodes.iter().find(|node| node["id"] == id).unwrap();
        let built = |dependency: &&Value| {
            dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev")
        };
        for dependency in node["deps"].as_array().unwrap().iter().filter(built) {
            let id = dependency["pkg"].as_str().unwrap();
            if found.insert(id.to_owned()) {
                open.push(id);
            }
        }
    }
    found
}

#[test]
fn the_domain_is_pure() {
    let found = everything_under("orderflow-domain");
    assert!(found.iter().any(|id| id.contains("#serde@")), "the graph is read wrongly: {found:?}");
    for id in found {
        let name = id.rsplit(['#', '/']).next().unwrap();
        let impure = ["aws", "tokio", "orderflow", "async"].iter().any(|prefix| name.starts_with(prefix));
        assert!(!impure, "shared/domain depends on {id}");
    }
}

#[test]
fn nothing_shared_names_a_function() {
    let packages = packages();
    for (name, package) in packages.iter().filter(|(_, package)| package.folder.starts_with("shared/")) {
        for dependency in &package.dependencies {
            let folder = packages.get(dependency).map_or("", |package| package.folder.as_str());
            let outward =
                ["functions/", "system", "cli", "tests"].iter().any(|outer| folder.starts_with(outer));
            assert!(!outward, "{name} depends on {dependency}");
        }
    }
}

#[test]
fn only_bridge_embedded_and_the_program_know_what_runs_underneath() {
    let packages = packages();
    let knowing = ["system", "cli", "tests", "shared/bridge", "shared/embedded", "shared/testing"];
    for (name, package) in packages.iter().filter(|(_, package)| !knowing.contains(&package.folder.as_str()))
    {
        for dependency in ["orderflow-bridge", "orderflow-embedded", "dynoxide-rs", "lapin"] {
            assert!(!package.dependencies.contains(dependency), "{name} depends on {dependency}");
        }
    }
}

#[test]
fn a_service_reaches_into_no_other() {
    let packages = packages();
    let services: BTreeMap<_, _> =
        packages.iter().filter(|(_, p)| p.folder.starts_with("functions/")).collect();
    // The two that put others together: every router, and every table's events.
    let composing = ["orderflow-shop-api", "orderflow-outbox-relay"];
    for (name, package) in services.iter().filter(|(name, _)| !composing.contains(&name.as_str())) {
        for dependency in package.dependencies.iter().filter(|dependency| services.contains_key(dependency)) {
            let face = name.as_str() == "orderflow-orders" && dependency == "orderflow-catalog";
            assert!(face, "{name} depends on {dependency}");
        }
    }
}

#[test]
fn shared_crates_import_downwards() {
    let packages = packages();
    for (name, allowed) in [
        ("orderflow-domain", &[][..]),
        ("orderflow-backoff", &[]),
        ("orderflow-embedded", &[]),
        ("orderflow-telemetry", &[]),
        ("orderflow-store", &["orderflow-backoff", "orderflow-domain"]),
        ("orderflow-messaging", &["orderflow-backoff", "orderflow-domain"]),
        ("orderflow-http", &["orderflow-telemetry"]),
        ("orderflow-documents", &["orderflow-domain", "orderflow-http", "orderflow-messaging"]),
        ("orderflow-lambda", &["orderflow-messaging", "orderflow-store", "orderflow-telemetry"]),
        ("orderflow-sqs", &["orderflow-domain", "orderflow-messaging"]),
        (
            "orderflow-bridge",
            &[
                "orderflow-backoff",
                "orderflow-domain",
                "orderflow-messaging",
                "orderflow-sqs",
                "orderflow-store",
            ],
        ),
    ] {
        let ours = packages[name].dependencies.iter().filter(|dependency| packages.contains_key(*dependency));
        let unexpected: Vec<_> = ours.filter(|dependency| !allowed.contains(&dependency.as_str())).collect();
        assert!(unexpected.is_empty(), "{name} depends on {unexpected:?}");
    }
}

#[test]
fn every_package_is_under_the_licence_that_is_here() {
    let licence = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../LICENSE")).unwrap();
    assert_eq!(licence.lines().next(), Some("MIT License"));
    let metadata = metadata(&["--no-deps"]);
    for package in metadata["packages"].as_array().unwrap() {
        assert_eq!(package["license"], "MIT", "{}", package["name"]);
    }
}

#[test]
fn only_the_program_and_the_tests_use_the_system() {
    let packages = packages();
    for (name, package) in &packages {
        let above = ["cli", "tests"].contains(&package.folder.as_str());
        for upper in ["orderflow-system", "orderflow"] {
            assert!(above || !package.dependencies.contains(upper), "{name} depends on {upper}");
        }
    }
}
