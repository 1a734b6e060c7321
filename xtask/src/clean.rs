//! Removing what was built and what was kept.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

/// Cargo marks its build folder by this file, when it creates it.
const MARK: &str = "CACHEDIR.TAG";

/// What stays: installed tools, since they take minutes and a network to get.
const KEPT: [&str; 3] = ["venv", "tools", MARK];

/// Removes the build output, the tools excepted, and the data of `cargo run`.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    clean_target(workspace.target())?;
    remove(&workspace.resolve("data"))
}

fn clean_target(target: &Path) -> Result<()> {
    if !target.exists() {
        return Ok(());
    }
    if !target.join(MARK).is_file() {
        bail!("{} has no {MARK}, so it is no build folder of cargo", target.display());
    }
    for entry in fs::read_dir(target).with_context(|| format!("read {}", target.display()))? {
        let entry = entry?;
        if !KEPT.iter().any(|kept| entry.file_name() == *kept) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("remove {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_and_kept_goes_and_tools_stay() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("target");
        for folder in ["debug/deps", "venv/sam", "tools/cargo-deny"] {
            fs::create_dir_all(target.join(folder)).unwrap();
        }
        fs::write(target.join(MARK), "").unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        fs::write(root.path().join("data/orderflow.db"), "").unwrap();
        fs::write(root.path().join("README.md"), "").unwrap();
        for _ in 0..2 {
            run(&Workspace::at(root.path())).unwrap();
        }
        assert!(!target.join("debug").exists() && !root.path().join("data").exists());
        assert!(target.join("venv/sam").exists() && target.join("tools/cargo-deny").exists());
        assert!(root.path().join("README.md").exists());
    }

    #[test]
    fn a_folder_that_is_not_cargo_s_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letter"), "").unwrap();
        assert!(clean_target(folder.path()).is_err());
        assert!(folder.path().join("letter").exists());
    }
}
