//! Builds the program that the packages contain.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;

use crate::shell;
use crate::suites::TOOL_FEATURES;
use crate::workspace::Workspace;

/// How the program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Optimised, as it is published
    Release,
    /// Unoptimised, as tests build it: enough to try the packages
    Dev,
}

/// Builds the program and puts it into a folder.
pub(super) fn stage(workspace: &Workspace, profile: Profile, folder: &Path) -> Result<PathBuf> {
    let staged = folder.join("orderflow");
    match profile {
        Profile::Release => {
            shell::run(&mut workspace.cargo(&["build", "--release", "--locked", "--package", "orderflow"]))?;
            super::copy(&workspace.target().join("release/orderflow"), &staged)?;
        }
        Profile::Dev => {
            // The command of the suites, so that nothing is compiled twice.
            let build =
                ["build", "--workspace", "--locked", "--features", TOOL_FEATURES, "--bins", "--tests"];
            shell::run(&mut workspace.cargo(&build))?;
            let built = workspace.target().join("debug/orderflow");
            shell::run(workspace.program("strip").arg("-o").args([&staged, &built]))?;
        }
    }
    Ok(staged)
}
