//! Follows docs/guides/add-a-step.md in a copy of this repository.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A code block of the page that creates or changes a file.
struct Block<'a> {
    language: &'a str,
    file: &'a str,
    text: String,
}

/// Returns the blocks of the page, each with the file that the line before it names: "New file `PATH`:" or "Change `PATH`:".
fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut file = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            if !line.is_empty() {
                file = line.strip_prefix("New file `").or_else(|| line.strip_prefix("Change `"));
            }
            continue;
        };
        let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        if let Some(file) = file.take().and_then(|rest| rest.strip_suffix("`:")) {
            blocks.push(Block { language, file, text });
        }
    }
    blocks
}

/// Copies the files of the repository.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        match name.to_str().unwrap() {
            "target" | ".git" | "data" | "node_modules" => {}
            _ if path.is_dir() => copy(&path, &to.join(name)),
            _ => _ = fs::copy(&path, to.join(name)).unwrap(),
        }
    }
}

impl Block<'_> {
    fn apply(&self, root: &Path) {
        let path = root.join(self.file);
        if self.language == "diff" {
            let source = fs::read_to_string(&path).unwrap();
            let (old, new) = (self.side('-'), self.side('+'));
            assert_eq!(source.matches(&old).count(), 1, "{} has this once:\n{old}", self.file);
            fs::write(path, source.replacen(&old, &new, 1)).unwrap();
        } else {
            assert!(!path.exists(), "{} is not new", self.file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &self.text).unwrap();
        }
    }

    /// Returns the text before (`-`) or after (`+`) the change.
    fn side(&self, sign: char) -> String {
        let kept = self.text.lines().filter(|line| line.starts_with([' ', sign]));
        kept.map(|line| format!("{}\n", &line[1..])).collect()
    }
}

/// Changes the version of the copy. Cargo identifies build output by name and version, and the crates of the copy must not replace those of
/// this repository.
fn change_version(manifest: &Path) {
    let text = fs::read_to_string(manifest).unwrap();
    let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(text.matches(&version).count(), 1, "{text}");
    let other = format!("version = \"{}-tutorial\"", env!("CARGO_PKG_VERSION"));
    fs::write(manifest, text.replace(&version, &other)).unwrap();
}

#[test]
fn the_tutorial_adds_a_working_step() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/guides/add-a-step.md")).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() > 8, "the page was not read: {} blocks", blocks.len());
    let copied = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("add-a-step");
    // It may exist from an earlier run.
    let _ = fs::remove_dir_all(&copied);
    copy(Path::new(ROOT), &copied);
    for block in &blocks {
        block.apply(&copied);
    }
    change_version(&copied.join("Cargo.toml"));

    let command = "cargo test --workspace --test loyalty";
    assert!(page.contains(&format!("```sh needs=rust\n{command}\n```")), "the page has another command");
    let arguments =
        command.split(' ').skip(1).chain(["--offline", "--bin", "loyalty", "--test", "structure"]);
    // In the same target folder the dependencies are already built.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(&copied)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("a_confirmed_order_gives_points_and_a_refused_one_none ... ok"), "{told}");
    fs::remove_dir_all(copied).unwrap();
}
