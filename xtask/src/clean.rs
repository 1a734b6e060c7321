//! Removes the build output and the data of local runs.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

/// The file that cargo writes into a build folder when it creates the folder.
const MARK: &str = "CACHEDIR.TAG";

/// The entries of the build folder that stay: installing the tools takes minutes and a network.
const KEPT: [&str; 3] = ["venv", "tools", MARK];

/// Removes the build output except installed tools, and the data of `cargo run`.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    clean_target(workspace.target())?;
    remove(&workspace.resolve("data"))
}

fn clean_target(target: &Path) -> Result<()> {
    if !target.exists() {
        return Ok(());
    }
    if !target.join(MARK).is_file() {
        bail!("{} is not removed: it has no {MARK}, so it is not a build folder of cargo", target.display());
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
    fn build_output_and_data_are_removed_and_tools_stay() {
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
    fn a_folder_that_cargo_did_not_create_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letter"), "").unwrap();
        assert!(clean_target(folder.path()).is_err());
        assert!(folder.path().join("letter").exists());
    }
}
