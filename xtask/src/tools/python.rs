//! Tools from PyPI, each in a Python environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::apt;
use crate::shell;

/// Where a Python environment keeps packages, if the environment exists and its Python has not been uninstalled since.
pub(super) fn packages(venv: &Path) -> Option<PathBuf> {
    if !venv.join("bin/python").exists() {
        return None;
    }
    let libraries = std::fs::read_dir(venv.join("lib")).ok()?;
    libraries.flatten().map(|entry| entry.path().join("site-packages")).find(|packages| packages.is_dir())
}

/// Installs these into an environment, which is made for them.
pub(super) fn install(venv: &Path, requirements: &[String]) -> Result<()> {
    create_venv(venv)?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    shell::run(pip.args(requirements))
}

/// PyPI's Zig is a module of its Python. By name it is also found where another Python comes first.
pub(super) fn link_zig(venv: &Path) -> Result<()> {
    let zig = packages(venv).context("the environment has no packages")?.join("ziglang/zig");
    std::os::unix::fs::symlink(zig, venv.join("bin/zig")).context("link zig")
}

/// Debian and Ubuntu ship Python without its `venv` module: there it is installed and tried again.
fn create_venv(folder: &Path) -> Result<()> {
    let create = || shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    let Err(error) = create() else {
        return Ok(());
    };
    apt::install(&["python3-venv"])
        .with_context(|| format!("{error:#}; install Python 3.10 or newer with its venv module"))?;
    create()
}
