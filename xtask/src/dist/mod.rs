//! Builds the packages in which the program is published, and installs them to try them.
//!
//! All packages of a platform have the same program in them. The wheel is laid out here and packed by PyPA's `wheel`: maturin would
//! compile the program once more, with other features of its dependencies than the workspace resolves.

mod archive;
mod checksums;
mod npm;
mod platform;
mod program;
mod sbom;
mod trial;
mod wheel;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::report::Report;
use crate::tools::{Readiness, Tool, Toolbox};
use crate::workspace::Workspace;

use self::platform::Platform;
pub(crate) use self::program::Profile;

/// The first page that a user of a package sees.
const ABOUT: &str = include_str!("about.md");

/// What the program does, in one line.
const SUMMARY: &str = "Order processing by events: a whole shop in one process, on RabbitMQ or on AWS Lambda";

/// The folders of a run, and what the packages are made from.
struct Release {
    platform: Platform,
    version: String,
    /// The program, the same in all packages.
    program: PathBuf,
    sbom: PathBuf,
    licence: PathBuf,
    /// Where the contents of packages are laid out.
    staging: PathBuf,
    /// Where the packages are put.
    output: PathBuf,
}

/// The installable packages of a platform.
struct Packages {
    wheel: PathBuf,
    npm: Vec<PathBuf>,
}

/// Builds the packages of this machine's platform into `target/dist`, and installs each into an empty environment, in which an order has to
/// be confirmed.
pub(crate) fn run(workspace: &Workspace, toolbox: &Toolbox, profile: Profile, report: &mut Report) {
    match toolbox.prepare(&[Tool::Wheel, Tool::Npm], report) {
        Readiness::Ready => {}
        Readiness::Missing(tools) => return report.skip("dist", Tool::missing(&tools)),
        Readiness::InstallFailed => return,
    }
    let Some(release) = report.produce("dist: program", || Release::prepare(workspace, profile)) else {
        return;
    };
    let Some(packages) = report.produce("dist: packages", || release.build(workspace, toolbox)) else {
        return;
    };
    report.run("dist: wheel", || trial::wheel(workspace, &release, &packages.wheel));
    report.run("dist: npm package", || trial::npm(workspace, toolbox, &release, &packages.npm));
    eprintln!("\nThe packages are in {}", release.output.display());
}

impl Release {
    /// Builds the program and its list of components.
    fn prepare(workspace: &Workspace, profile: Profile) -> Result<Self> {
        let platform = Platform::of_this_machine()?;
        let staging = emptied(&workspace.target().join("dist-staging"))?;
        let output = emptied(&workspace.target().join("dist"))?;
        let program = program::stage(workspace, profile, &staging)?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let sbom = output.join(format!("orderflow-{version}-{}.cdx.json", platform.triple));
        sbom::write(workspace, &platform, &sbom)?;
        Ok(Self { platform, version, program, sbom, licence: workspace.resolve("LICENSE"), staging, output })
    }

    fn build(&self, workspace: &Workspace, toolbox: &Toolbox) -> Result<Packages> {
        let wheel = wheel::build(self, toolbox)?;
        let npm = npm::build(workspace, self, toolbox)?;
        archive::build(self)?;
        checksums::write(&self.output)?;
        Ok(Packages { wheel, npm })
    }
}

/// Creates an empty folder.
fn emptied(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    created(folder)
}

/// Creates a folder and those that it is in.
fn created(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    Ok(folder.to_path_buf())
}

/// Copies a file, with its permissions.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Writes a file.
fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    const WORKFLOW: &str = include_str!("../../../.github/workflows/release.yml");

    #[test]
    fn the_release_workflow_builds_with_this_task_and_pins_the_actions_of_others() {
        assert!(WORKFLOW.contains("cargo xtask dist\n"));
        let actions: Vec<&str> = WORKFLOW
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "))
            .collect();
        assert!(actions.len() >= 6, "{actions:?}");
        for action in actions {
            let (revision, version) = action.split_once('@').unwrap().1.split_once(" # v").unwrap();
            let is_commit = revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit && !version.is_empty(), "{action}");
        }
    }
}
