//! The stages that CI runs, one after the other, until one fails.

use anyhow::{Context as _, Result};

use crate::compose;
use crate::dist;
use crate::parity;
use crate::report::Report;
use crate::shell;
use crate::suites::{self, Scope, TOOL_FEATURES};
use crate::tools::{Readiness, Tool, Toolbox};
use crate::workspace::Workspace;

/// Checks format, lints and documentation, runs every test suite, tries the packages, then checks dependencies and their advisories. Stops at
/// the first failed stage.
///
/// The check of dependencies comes after the tests: it downloads the crates of all platforms, and the tests must pass on
/// a machine that has only those of its own.
pub(crate) fn run(workspace: &Workspace, toolbox: &Toolbox, report: &mut Report) {
    let clean = report.run("format", || format(workspace))
        && report.run("clippy", || clippy(workspace))
        && with_tool(Tool::DockerCompose, toolbox, report, "compose", || compose::check(workspace))
        && report.run("docs", || docs(workspace));
    if clean {
        let passed = suites::run_all(workspace, toolbox, Scope::Everything, report);
        if !report.has_failed() {
            dist::run(workspace, toolbox, dist::Profile::Dev, report);
        }
        if !report.has_failed() {
            with_tool(Tool::CargoDeny, toolbox, report, "deny", || check_dependencies(workspace, toolbox));
        }
        if report.is_complete() {
            report.run("parity", || parity::check(workspace, &passed));
        }
        if !report.has_failed() {
            check_advisories(workspace, toolbox, report);
        }
    }
}

fn format(workspace: &Workspace) -> Result<()> {
    shell::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<()> {
    shell::run(&mut workspace.cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--features",
        TOOL_FEATURES,
        "--",
        "-D",
        "warnings",
    ]))
}

/// Runs a stage that needs a tool. Returns whether the next stage may run, which is also the case if the tool is missing
/// and not to be installed, see [`MissingTools`](crate::tools::MissingTools).
fn with_tool(
    tool: Tool,
    toolbox: &Toolbox,
    report: &mut Report,
    name: &str,
    stage: impl FnOnce() -> Result<()>,
) -> bool {
    match toolbox.prepare(&[tool], report) {
        Readiness::Ready => report.run(name, stage),
        Readiness::InstallFailed => false,
        Readiness::Missing(tools) => {
            report.skip(name, Tool::missing(&tools));
            true
        }
    }
}

fn check_dependencies(workspace: &Workspace, toolbox: &Toolbox) -> Result<()> {
    let cargo_deny = toolbox.find(Tool::CargoDeny).context("cargo-deny disappeared")?;
    shell::run(workspace.program(cargo_deny).args(["--locked", "check", "bans", "licenses", "sources"]))
}

/// Compares the dependencies with the RustSec advisory database. The stage is skipped, and the report says why, where the database cannot be
/// fetched. It comes last, because the result changes from day to day with the database.
fn check_advisories(workspace: &Workspace, toolbox: &Toolbox, report: &mut Report) {
    let Some(cargo_deny) = toolbox.find(Tool::CargoDeny) else {
        return report.skip("advisories", Tool::missing(&[Tool::CargoDeny]));
    };
    if let Err(error) = shell::run(workspace.program(&cargo_deny).args(["fetch", "db"])) {
        let reason = format!(
            "DEPENDENCIES ARE NOT CHECKED for known vulnerabilities: the advisory database cannot be fetched ({error:#})"
        );
        return report.skip("advisories", reason);
    }
    let check = ["--locked", "--offline", "check", "advisories"];
    report.run("advisories", || shell::run(workspace.program(&cargo_deny).args(check)));
}

fn docs(workspace: &Workspace) -> Result<()> {
    shell::run(
        workspace.cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-Dwarnings"),
    )
}
