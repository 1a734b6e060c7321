//! Tools from crates.io.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;

/// Unoptimised: what is used here builds in under a minute instead of many, and is fast enough all the same.
///
/// Built beside where it goes: the folder for temporary files, cargo's choice, may be too small for it.
pub(super) fn install(root: &Path, name: &str, version: &str) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = root.join("build");
    shell::run(
        Command::new(cargo)
            .args(["install", name, "--quiet", "--locked", "--debug"])
            .args(["--version", version, "--root"])
            .arg(root)
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0"),
    )?;
    std::fs::remove_dir_all(&build).with_context(|| format!("remove {}", build.display()))
}
