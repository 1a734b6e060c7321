//! The list of components of the program (SBOM), in CycloneDX 1.6: <https://cyclonedx.org/docs/1.6/json/>.
//!
//! The crates are those that cargo resolves for the program on the platform, with the checksums of `Cargo.lock`; the scripts in its web
//! pages are those of the lock files of npm.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::shell;
use crate::workspace::Workspace;

use super::platform::Platform;

/// The lock files of the scripts in the web pages.
const SCRIPTS: [&str; 2] = ["console/web/package-lock.json", "shared/api-page/swagger-ui/package-lock.json"];

/// A package of npm that others depend on and whose code is in no page: it counts installations.
const NOT_IN_A_PAGE: &str = "@scarf/scarf";

/// A component: a crate, or a package of npm.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Component {
    /// Its package URL.
    purl: String,
    name: String,
    version: String,
    licence: Option<String>,
    sha256: Option<String>,
}

/// Writes the list for the program on a platform.
pub(super) fn write(workspace: &Workspace, platform: &Platform, file: &Path) -> Result<()> {
    let tree = [
        "tree",
        "--locked",
        "--package",
        "orderflow",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--target",
        platform.triple,
    ];
    let mut tree = workspace.cargo(&tree);
    // Only what the program needs, also where cargo is set to resolve the features of all packages together.
    tree.args(["--format", "{p}\t{l}"]).env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION");
    let tree = shell::output(&mut tree)?;
    let read =
        |name: &str| std::fs::read_to_string(workspace.resolve(name)).with_context(|| format!("read {name}"));
    let mut components = crates(&tree, &checksums(&read("Cargo.lock")?));
    for lock in SCRIPTS {
        components
            .extend(scripts(&serde_json::from_str(&read(lock)?).with_context(|| format!("parse {lock}"))?));
    }
    super::write(file, &format!("{:#}\n", document(&components)))
}

/// Reads the crates in the output of `cargo tree`: `NAME vVERSION (WHERE)`, a tab, and the licence.
fn crates(tree: &str, checksums: &BTreeMap<(String, String), String>) -> BTreeSet<Component> {
    let component = |line: &str| {
        let (package, licence) = line.split_once('\t')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
        let licence = licence.trim_end_matches(" (*)").replace('/', " OR ");
        Some(Component {
            purl: format!("pkg:cargo/{name}@{version}"),
            sha256: checksums.get(&(name.clone(), version.clone())).cloned(),
            licence: (!licence.is_empty()).then_some(licence),
            name,
            version,
        })
    };
    tree.lines().filter_map(component).collect()
}

/// Reads the checksums of `Cargo.lock`, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let entry = |text: &str| {
        let value = |key: &str| {
            Some(text.lines().find_map(|line| line.strip_prefix(key))?.trim_matches('"').to_owned())
        };
        Some(((value("name = ")?, value("version = ")?), value("checksum = ")?))
    };
    lock.split("[[package]]").filter_map(entry).collect()
}

/// Reads the packages of a lock file of npm that are not only for development.
fn scripts(lock: &Value) -> BTreeSet<Component> {
    let packages = lock["packages"].as_object().into_iter().flatten();
    let component = |(path, package): (&String, &Value)| {
        let name = path.rsplit_once("node_modules/")?.1.to_owned();
        let version = package["version"].as_str()?.to_owned();
        Some(Component {
            purl: format!("pkg:npm/{}@{version}", name.replace('@', "%40")),
            licence: package["license"].as_str().map(str::to_owned),
            sha256: None,
            name,
            version,
        })
    };
    let shipped = packages.filter(|(_, package)| package["dev"] != true && package["devOptional"] != true);
    shipped.filter_map(component).filter(|component| component.name != NOT_IN_A_PAGE).collect()
}

fn document(components: &BTreeSet<Component>) -> Value {
    let (program, parts): (Vec<_>, Vec<_>) =
        components.iter().partition(|component| component.name == "orderflow");
    let root = program.first().map(|program| described("application", program));
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": parts.iter().map(|part| described("library", part)).collect::<Vec<_>>(),
    })
}

fn described(kind: &str, component: &Component) -> Value {
    let Component { purl, name, version, licence, sha256 } = component;
    let mut described =
        json!({"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl});
    if let Some(licence) = licence {
        described["licenses"] = json!([{"expression": licence}]);
    }
    if let Some(sha256) = sha256 {
        described["hashes"] = json!([{"alg": "SHA-256", "content": sha256}]);
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_have_their_licence_and_checksum_and_stand_once() {
        let lock = "[[package]]\nname = \"itoa\"\nversion = \"1.0.15\"\nsource = \"x\"\nchecksum = \"abc\"\n\n\
                    [[package]]\nname = \"orderflow\"\nversion = \"0.1.0\"\n";
        let tree = "orderflow v0.1.0 (/src/cli)\tMIT\nitoa v1.0.15\tMIT/Apache-2.0\n\nitoa v1.0.15\tMIT/Apache-2.0 (*)\n";
        let document = document(&crates(tree, &checksums(lock)));
        assert_eq!(document["metadata"]["component"]["purl"], "pkg:cargo/orderflow@0.1.0");
        assert_eq!(document["components"].as_array().unwrap().len(), 1);
        assert_eq!(document["components"][0]["licenses"], json!([{"expression": "MIT OR Apache-2.0"}]));
        assert_eq!(document["components"][0]["hashes"], json!([{"alg": "SHA-256", "content": "abc"}]));
    }

    #[test]
    fn the_list_has_what_the_program_is_made_of_and_not_what_tests_need() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sbom.json");
        write(&Workspace::locate(), &Platform::of_this_machine().unwrap(), &file).unwrap();
        let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let names: BTreeSet<&str> = document["components"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|part| part["name"].as_str())
            .collect();
        for part in ["orderflow-engine", "libsqlite3-sys", "axum", "preact", "swagger-ui-dist"] {
            assert!(names.contains(part), "{part} is missing");
        }
        for other in ["proptest", "dynoxide-rs", "vite", NOT_IN_A_PAGE] {
            assert!(!names.contains(other), "{other} is listed");
        }
    }
}
