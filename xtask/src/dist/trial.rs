//! Installs the packages into empty environments, as a user does, and places an order.
//!
//! Nothing is fetched from a network: the packages need nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{Outputs, retry};
use crate::readme;
use crate::shell;
use crate::tools::{Tool, Toolbox, create_venv};
use crate::workspace::Workspace;

use super::{Release, created, emptied};

/// The limit for each step, which takes a second or two on an idle machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Installs the wheel into an empty virtual environment and tries it.
pub(super) fn wheel(workspace: &Workspace, release: &Release, wheel: &Path) -> Result<()> {
    let venv = release.staging.join("venv");
    create_venv(&venv)?;
    let started = Instant::now();
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]);
    shell::run(pip.arg(wheel))?;
    place_an_order(workspace, release, "wheel", &venv.join("bin/orderflow"), started)
}

/// Installs the npm packages into an empty folder and tries them.
pub(super) fn npm(
    workspace: &Workspace,
    toolbox: &Toolbox,
    release: &Release,
    packages: &[PathBuf],
) -> Result<()> {
    let folder = created(&release.staging.join("npm-user"))?;
    let npm = toolbox.find(Tool::Npm).context("npm disappeared")?;
    let started = Instant::now();
    let mut install = Command::new(npm);
    install
        .args(["install", "--silent", "--offline", "--no-audit", "--no-fund"])
        .args(packages)
        .current_dir(&folder);
    // A cache of its own has nothing that an earlier run downloaded.
    shell::run(install.env("npm_config_cache", folder.join("cache")))?;
    place_an_order(workspace, release, "npm", &folder.join("node_modules/.bin/orderflow"), started)
}

/// Starts a shop with the installed program, and waits until an order is confirmed.
fn place_an_order(
    workspace: &Workspace,
    release: &Release,
    name: &str,
    program: &Path,
    started: Instant,
) -> Result<()> {
    let folder = emptied(&release.staging.join(format!("{name}-shop")))?;
    let outputs = Outputs::in_folder(folder.clone())?;
    let version = outputs.run("version", LIMIT, Command::new(program).arg("--version"))?;
    ensure!(version.trim() == format!("orderflow {}", release.version), "--version says {version}");
    let mut up = Command::new(program);
    let mut shop = outputs.start("up", up.args(["up", "--port", "0"]).current_dir(&folder))?;
    let url = retry(LIMIT, || {
        shop.check()?;
        address(&fs::read_to_string(folder.join("up.stdout.log"))?)
    })?;
    let placed = outputs.run("place", LIMIT, &mut readme::place_an_order(workspace, &url)?)?;
    ensure!(placed.contains("\"status\":\""), "the response is {placed}");
    retry(LIMIT, || {
        let newest = outputs.run("newest", LIMIT, &mut readme::show_the_newest_order(workspace, &url)?)?;
        ensure!(newest.contains("\"status\":\"confirmed\""), "the newest order is {newest}");
        Ok(())
    })?;
    eprintln!(
        "{name}: installed, started and an order confirmed in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Returns the address in what `orderflow up` says at its start.
fn address(said: &str) -> Result<String> {
    match said.lines().find_map(|line| line.strip_prefix("listening on ")) {
        Some(url) => Ok(url.to_owned()),
        None => bail!("the shop does not listen yet"),
    }
}
