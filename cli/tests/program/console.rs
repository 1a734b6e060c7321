//! The console: its built files, and how it behaves in Chromium. The tests of its behaviour are in `console/web/e2e`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../console/web");
const PROGRAM: &str = env!("CARGO_BIN_EXE_orderflow");

/// Runs npm in the folder of the sources.
fn npm(arguments: &[&str]) {
    let npm = std::env::var("ORDERFLOW_NPM").unwrap_or_else(|_| "npm".to_owned());
    let mut command = Command::new(npm);
    let command = command.args(arguments).current_dir(WEB).env("ORDERFLOW_BIN", PROGRAM);
    let output = command.env("CONSOLE_TEST_OUTPUT", output_folder(arguments)).output().unwrap();
    assert!(
        output.status.success(),
        "npm {}: {}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A folder of its own for each run: they run in parallel, and each empties its folder.
fn output_folder(arguments: &[&str]) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("console").join(arguments.last().unwrap_or(&""))
}

/// Installs the packages of the lock file, once.
fn installed() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| npm(&["ci", "--no-audit", "--no-fund"]));
}

#[test]
fn the_built_files_are_those_of_the_sources() {
    installed();
    let built = tempfile::tempdir().unwrap();
    npm(&["run", "build", "--", "--outDir", built.path().to_str().unwrap()]);
    for name in ["index.html", "console.css", "console.js"] {
        let checked_in = fs::read_to_string(Path::new(WEB).join("../dist").join(name)).unwrap();
        let new = fs::read_to_string(built.path().join(name)).unwrap();
        assert!(
            new == checked_in,
            "console/dist/{name} is old: run `npm ci && npm run build` in console/web"
        );
    }
}

#[test]
fn the_types_are_those_of_the_api() {
    installed();
    let folder = tempfile::tempdir().unwrap();
    let generated = folder.path().join("schema.d.ts");
    let document = "../../shared/documents/openapi.json";
    npm(&["exec", "--", "openapi-typescript", document, "--output", generated.to_str().unwrap()]);
    let checked_in = fs::read_to_string(Path::new(WEB).join("src/api/schema.d.ts")).unwrap();
    let same = fs::read_to_string(generated).unwrap() == checked_in;
    assert!(same, "console/web/src/api/schema.d.ts is old: run `npm ci && npm run types` in console/web");
    npm(&["run", "check"]);
}

#[test]
fn orders_are_placed_and_watched() {
    installed();
    npm(&["run", "e2e", "--", "orders"]);
}

#[test]
fn dead_letters_are_edited_and_replayed() {
    installed();
    npm(&["run", "e2e", "--", "dead-letters"]);
}

#[test]
fn the_pages_are_accessible_and_survive_a_server_that_is_away() {
    installed();
    npm(&["run", "e2e", "--", "frame"]);
}

#[test]
fn a_token_shows_what_it_allows() {
    installed();
    npm(&["run", "e2e", "--", "sign-in"]);
}
