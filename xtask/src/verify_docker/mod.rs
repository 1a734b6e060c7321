//! Tests the system in Docker: the compose stack, and every bundle under `sam local`.

mod daemon;
mod images;
mod sam_local;
mod stack;

use std::time::Duration;

use crate::process::Outputs;
use crate::report::Report;
use crate::tools::{Readiness, Tool, Toolbox};
use crate::workspace::Workspace;

use self::daemon::Docker;
use self::images::Images;

/// The limit for commands that take seconds on an idle machine.
const SHORT: Duration = Duration::from_secs(120);

/// The limit for commands that download or build.
const LONG: Duration = Duration::from_secs(3_600);

/// The dependencies of every step.
struct Bench<'a> {
    workspace: &'a Workspace,
    toolbox: &'a Toolbox,
    outputs: &'a Outputs,
    docker: &'a Docker,
}

/// Runs all checks. A daemon that was started here is stopped at the end, and every container with it.
pub(crate) fn run(workspace: &Workspace, toolbox: &Toolbox, report: &mut Report) {
    let built = toolbox.prepare(&[Tool::SamCli, Tool::MiniStack], report) == Readiness::Ready
        && report.run("build", || crate::build(workspace))
        && report.run("docker", daemon::install);
    if !built {
        return;
    }
    let folder = workspace.target().join("verify-docker");
    let started = report.produce("docker daemon", || {
        let outputs = Outputs::in_folder(folder.clone())?;
        let docker = Docker::ready(&outputs)?;
        Ok((outputs, docker))
    });
    if let Some((outputs, docker)) = started {
        check(&Bench { workspace, toolbox, outputs: &outputs, docker: &docker }, report);
    }
    eprintln!("\nThe output of every program is in {}", folder.display());
}

fn check(bench: &Bench<'_>, report: &mut Report) {
    let images = report.produce("image names", || Images::of(bench));
    if images.is_some_and(|images| images.provide(bench, report)) {
        stack::run(bench, report);
        sam_local::run(bench, report);
    }
}
