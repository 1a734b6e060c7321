//! Which crate may import which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A package's folder in the repository, and the packages that it is built from (those of its tests excepted).
pub(crate) struct Package {
    pub(crate) folder: String,
    dependencies: BTreeSet<String>,
}

/// Returns cargo's description of the workspace's packages. Needs neither a network nor any downloaded crate.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--no-deps"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn packages() -> BTreeMap<String, Package> {
    let metadata = metadata();
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

/// Returns the entries of Cargo.lock: `NAME VERSION` and its dependencies, as the lock file names them.
///
/// The lock file covers all platforms. Cargo could answer the same question, but would want the crates of platforms that
/// this machine never builds for, and they are not downloaded.
fn locked() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(Path::new(ROOT).join("Cargo.lock")).unwrap();
    let mut locked = BTreeMap::new();
    for entry in text.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = entry.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap().trim_matches('"').to_owned()
        };
        let dependencies =
            entry.lines().filter_map(|line| Some(line.strip_prefix(" \"")?.split('"').next()?.to_owned()));
        locked.insert(format!("{} {}", value("name = "), value("version = ")), dependencies.collect());
    }
    locked
}

/// Returns all dependencies of a package, direct or not, with names like `serde 1.0.228`.
fn everything_under(package: &str) -> BTreeSet<String> {
    let locked = locked();
    // The lock file names the version of a dependency only if there are several.
    let entry = |name: &str| {
        let mut versions = locked.keys().filter(|key| *key == name || key.split(' ').next() == Some(name));
        versions.next().unwrap_or_else(|| panic!("{name} is not in Cargo.lock")).clone()
    };
    let mut open: Vec<String> = packages()[package].dependencies.iter().map(|name| entry(name)).collect();
    let mut found: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(next) = open.pop() {
        for dependency in &locked[&next] {
            let dependency = entry(dependency);
            if found.insert(dependency.clone()) {
                open.push(dependency);
            }
        }
    }
    found
}

#[test]
fn the_domain_is_pure() {
    let found = everything_under("orderflow-domain");
    for expected in ["serde ", "syn "] {
        assert!(found.iter().any(|name| name.starts_with(expected)), "{expected}is not in {found:?}");
    }
    for name in found {
        let impure = ["aws", "tokio", "orderflow", "async"].iter().any(|prefix| name.starts_with(prefix));
        assert!(!impure, "shared/domain depends on {name}");
    }
}

#[test]
fn no_shared_crate_depends_on_a_service() {
    let packages = packages();
    for (name, package) in packages.iter().filter(|(_, package)| package.folder.starts_with("shared/")) {
        for dependency in &package.dependencies {
            let folder = packages.get(dependency).map_or("", |package| package.folder.as_str());
            let outward =
                ["functions/", "system", "lab", "cli", "tests"].iter().any(|outer| folder.starts_with(outer));
            assert!(!outward, "{name} depends on {dependency}");
        }
    }
}

#[test]
fn only_bridge_embedded_and_the_program_depend_on_broker_and_store() {
    let packages = packages();
    let allowed = ["system", "lab", "cli", "tests", "shared/bridge", "shared/embedded", "shared/testing"];
    for (name, package) in packages.iter().filter(|(_, package)| !allowed.contains(&package.folder.as_str()))
    {
        for dependency in
            ["orderflow-bridge", "orderflow-embedded", "orderflow-engine", "dynoxide-rs", "lapin"]
        {
            assert!(!package.dependencies.contains(dependency), "{name} depends on {dependency}");
        }
    }
}

#[test]
fn only_the_backends_name_the_sdk_of_dynamodb() {
    let allowed = ["orderflow-store", "orderflow-embedded"];
    for (name, package) in packages().iter().filter(|(name, _)| !allowed.contains(&name.as_str())) {
        for dependency in ["aws-sdk-dynamodb", "aws-sdk-dynamodbstreams"] {
            assert!(!package.dependencies.contains(dependency), "{name} depends on {dependency}");
        }
    }
    let mut folders = vec![Path::new(ROOT).join("shared/store/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("dynamodb")).then_some(path));
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for word in ["aws_sdk_", "aws_smithy", "aws_config"] {
                assert!(!text.contains(word), "{} names {word}: only src/dynamodb may", path.display());
            }
        }
    }
}

#[test]
fn no_service_depends_on_another() {
    let packages = packages();
    let services: BTreeMap<_, _> =
        packages.iter().filter(|(_, p)| p.folder.starts_with("functions/")).collect();
    // These two combine the other services: all routers, and the events of all tables.
    let composing = ["orderflow-shop-api", "orderflow-outbox-relay"];
    for (name, package) in services.iter().filter(|(name, _)| !composing.contains(&name.as_str())) {
        for dependency in package.dependencies.iter().filter(|dependency| services.contains_key(dependency)) {
            let read_only_interface =
                name.as_str() == "orderflow-orders" && dependency == "orderflow-catalog";
            assert!(read_only_interface, "{name} depends on {dependency}");
        }
    }
}

#[test]
fn shared_crates_import_downwards() {
    let packages = packages();
    let rules = [
        ("orderflow-domain", &[][..]),
        ("orderflow-api-page", &[]),
        ("orderflow-backoff", &[]),
        ("orderflow-bugs", &[]),
        ("orderflow-embedded", &["orderflow-store", "orderflow-store-port"]),
        ("orderflow-engine", &["orderflow-backoff", "orderflow-bugs", "orderflow-store-port"]),
        ("orderflow-errors", &[]),
        ("orderflow-store-port", &[]),
        ("orderflow-store-server", &["orderflow-store-port"]),
        ("orderflow-settings", &["orderflow-errors"]),
        ("orderflow-telemetry", &["orderflow-domain", "orderflow-errors", "orderflow-settings"]),
        (
            "orderflow-store",
            &[
                "orderflow-backoff",
                "orderflow-domain",
                "orderflow-errors",
                "orderflow-settings",
                "orderflow-store-port",
            ],
        ),
        (
            "orderflow-messaging",
            &["orderflow-backoff", "orderflow-bugs", "orderflow-domain", "orderflow-settings"],
        ),
        ("orderflow-circuit-breaker", &["orderflow-backoff"]),
        ("orderflow-http", &["orderflow-backoff", "orderflow-telemetry"]),
        ("orderflow-auth", &["orderflow-http", "orderflow-settings", "orderflow-telemetry"]),
        ("orderflow-server", &["orderflow-http", "orderflow-settings"]),
        (
            "orderflow-documents",
            &["orderflow-auth", "orderflow-domain", "orderflow-http", "orderflow-messaging"],
        ),
        (
            "orderflow-lambda",
            &[
                "orderflow-auth",
                "orderflow-domain",
                "orderflow-http",
                "orderflow-messaging",
                "orderflow-settings",
                "orderflow-sqs",
                "orderflow-store",
                "orderflow-telemetry",
            ],
        ),
        (
            "orderflow-sqs",
            &["orderflow-backoff", "orderflow-domain", "orderflow-errors", "orderflow-messaging"],
        ),
        (
            "orderflow-bridge",
            &[
                "orderflow-backoff",
                "orderflow-bugs",
                "orderflow-circuit-breaker",
                "orderflow-domain",
                "orderflow-errors",
                "orderflow-messaging",
                "orderflow-store",
            ],
        ),
    ];
    for (name, package) in packages.iter().filter(|(_, package)| package.folder.starts_with("shared/")) {
        let has_rule = rules.iter().any(|(ruled, _)| ruled == name) || package.folder == "shared/testing";
        assert!(has_rule, "add to this test what {name} may depend on");
    }
    for (name, allowed) in rules {
        let ours = packages[name].dependencies.iter().filter(|dependency| packages.contains_key(*dependency));
        let unexpected: Vec<_> = ours.filter(|dependency| !allowed.contains(&dependency.as_str())).collect();
        assert!(unexpected.is_empty(), "{name} depends on {unexpected:?}");
    }
}

/// A feature of any package may not lead to the feature `planted` either.
#[test]
fn only_tests_plant_bugs() {
    let metadata = metadata();
    let mut planting = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let forwarded = package["features"].to_string().contains("orderflow-bugs");
        assert!(!forwarded, "a feature of {name} concerns orderflow-bugs");
        let uses = package["dependencies"].as_array().unwrap().iter();
        for used in uses.filter(|dependency| dependency["name"] == "orderflow-bugs") {
            let plants = used["features"].as_array().unwrap().iter().any(|feature| feature == "planted");
            assert!(!plants || used["kind"] == "dev", "{name} is built with bugs");
            if plants {
                planting.insert(name);
            }
        }
        if name == "orderflow-bugs" {
            assert_eq!(package["features"], serde_json::json!({ "planted": [] }));
        }
    }
    assert_eq!(planting, BTreeSet::from(["orderflow-lab"]));
}

#[test]
fn every_package_has_the_licence_of_the_repository() {
    let licence = fs::read_to_string(Path::new(ROOT).join("LICENSE")).unwrap();
    assert_eq!(licence.lines().next(), Some("MIT License"));
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        assert_eq!(package["license"], "MIT", "{}", package["name"]);
    }
}

#[test]
fn only_the_program_and_the_tests_use_the_system() {
    let packages = packages();
    for (name, package) in &packages {
        let above = ["lab", "cli", "tests"].contains(&package.folder.as_str());
        for upper in ["orderflow-system", "orderflow"] {
            assert!(above || !package.dependencies.contains(upper), "{name} depends on {upper}");
        }
    }
}
