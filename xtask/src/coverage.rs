//! Measures which lines the tests reach.

use anyhow::{Context as _, Result};

use crate::report::Report;
use crate::shell;
use crate::tools::{Readiness, Tool, Toolbox};
use crate::workspace::Workspace;

/// Runs the tests that need no tool, of one package or of all, and writes a report to `coverage/` in the build folder.
pub(crate) fn run(workspace: &Workspace, toolbox: &Toolbox, package: Option<&str>, report: &mut Report) {
    if toolbox.prepare(&[Tool::LlvmCov], report) == Readiness::Ready {
        report.run("coverage", || measure(workspace, toolbox, package));
    }
}

fn measure(workspace: &Workspace, toolbox: &Toolbox, package: Option<&str>) -> Result<()> {
    let cargo_llvm_cov = toolbox.find(Tool::LlvmCov).context("cargo-llvm-cov disappeared")?;
    let llvm_cov = |arguments: &[&str]| {
        let mut command = workspace.program(&cargo_llvm_cov);
        command.arg("llvm-cov").args(arguments);
        command
    };
    let selection = package.map_or_else(|| vec!["--workspace"], |name| vec!["--package", name]);
    // Without this variable cargo-llvm-cov asks before it adds the component llvm-tools with rustup.
    let mut test = llvm_cov(&["--locked", "--no-report"]);
    shell::run(test.args(selection).env("CARGO_LLVM_COV_SETUP", "yes"))?;
    let folder = workspace.target().join("coverage");
    shell::run(llvm_cov(&["report", "--html", "--output-dir"]).arg(folder))?;
    shell::run(&mut llvm_cov(&["report", "--summary-only"]))
}
