//! Installing tools from PyPI, each into a Python environment of its own, and from crates.io.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::apt;
use crate::shell;

/// Returns the folder in which a Python environment keeps its packages, if the environment exists and the Python that it
/// was made for is still installed.
pub(super) fn python_packages(venv: &Path) -> Option<PathBuf> {
    if !venv.join("bin/python").exists() {
        return None;
    }
    let libraries = std::fs::read_dir(venv.join("lib")).ok()?;
    libraries.flatten().map(|entry| entry.path().join("site-packages")).find(|packages| packages.is_dir())
}

/// Creates a Python environment and installs these requirements into it.
pub(super) fn from_pypi(venv: &Path, requirements: &[String]) -> Result<()> {
    create_venv(venv)?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    shell::run(pip.args(requirements))
}

/// Links Zig's compiler into the environment's `bin`. PyPI's package makes it a Python module only, which cargo-lambda
/// does not find when another Python comes first in the search path.
pub(super) fn link_zig(venv: &Path) -> Result<()> {
    let zig = python_packages(venv).context("the environment has no packages")?.join("ziglang/zig");
    std::os::unix::fs::symlink(zig, venv.join("bin/zig")).context("link zig")
}

/// Creates a Python environment. Debian and Ubuntu ship Python without its `venv` module: where it is missing, this
/// installs the module and tries again.
pub(crate) fn create_venv(folder: &Path) -> Result<()> {
    let create = || shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    let Err(error) = create() else {
        return Ok(());
    };
    apt::install(&["python3-venv"])
        .with_context(|| format!("{error:#}; install Python 3.10 or newer with its venv module"))?;
    create()
}

/// Builds a tool of crates.io and installs it into `root/bin`.
///
/// The build is unoptimised, which takes under a minute instead of many, and the tools are fast enough. It happens in
/// `root`: cargo would choose the folder for temporary files, which may be too small.
pub(super) fn from_crates_io(root: &Path, name: &str, version: &str) -> Result<()> {
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
