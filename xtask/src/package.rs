//! Builds the zips that are deployed to Lambda.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use crate::bundles::{Bundle, bundles};
use crate::report::Report;
use crate::shell;
use crate::tools::{Readiness, Tool, Toolbox};
use crate::workspace::Workspace;

/// The largest permitted zip: its size adds to the time of every cold start.
const LIMIT_BYTES: u64 = 4_000_000;

/// The processor architecture of a Lambda function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// AWS Graviton
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    /// Returns the flag of cargo-lambda for this architecture.
    fn flag(self) -> &'static str {
        match self {
            Self::Arm64 => "--arm64",
            Self::X86_64 => "--x86-64",
        }
    }
}

/// Builds the zips, prints their sizes, and fails if one is too large.
pub(crate) fn run(workspace: &Workspace, toolbox: &Toolbox, architecture: Architecture, report: &mut Report) {
    if toolbox.prepare(&[Tool::CargoLambda], report) != Readiness::Ready {
        return;
    }
    let Some(zips) = report.produce("package", || build(workspace, toolbox, architecture)) else {
        return;
    };
    for zip in &zips {
        eprintln!("{zip}");
    }
    report.run("sizes", || check(&zips));
}

/// Builds the bundles crate by crate, as `sam build` does, and returns the zips.
fn build(workspace: &Workspace, toolbox: &Toolbox, architecture: Architecture) -> Result<Vec<Zip>> {
    let bundles = bundles(workspace)?;
    let mut folders: Vec<_> = bundles.iter().map(|bundle| bundle.folder.clone()).collect();
    folders.dedup();
    let cargo_lambda = toolbox.find(Tool::CargoLambda).context("cargo-lambda disappeared")?;
    for folder in folders {
        let arguments = ["lambda", "build", "--release", "--locked", "--output-format", "zip"];
        let mut command = workspace.program(&cargo_lambda);
        command.args(arguments).arg(architecture.flag()).current_dir(folder);
        // Zig is in the same folder.
        shell::run(command.env(
            "PATH",
            shell::path_with(&[cargo_lambda.parent().context("cargo-lambda has no folder")?])?,
        ))?;
    }
    bundles.into_iter().map(|bundle| Zip::of(workspace, bundle)).collect()
}

/// Fails if a zip is larger than permitted.
fn check(zips: &[Zip]) -> Result<()> {
    let large: Vec<&str> =
        zips.iter().filter(|zip| zip.bytes > LIMIT_BYTES).map(|zip| zip.bundle.name.as_str()).collect();
    if !large.is_empty() {
        bail!("larger than {} MB: {}", LIMIT_BYTES / 1_000_000, large.join(", "));
    }
    Ok(())
}

/// A built zip.
#[derive(Debug)]
struct Zip {
    bundle: Bundle,
    file: PathBuf,
    bytes: u64,
}

impl Zip {
    fn of(workspace: &Workspace, bundle: Bundle) -> Result<Self> {
        let file = workspace.target().join("lambda").join(&bundle.name).join("bootstrap.zip");
        let metadata = std::fs::metadata(&file).with_context(|| format!("find {}", file.display()))?;
        Ok(Self { bundle, file, bytes: metadata.len() })
    }
}

impl std::fmt::Display for Zip {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "only two decimals are shown")]
        let megabytes = self.bytes as f64 / 1_000_000.0;
        write!(out, "{:17}  {megabytes:5.2} MB  {}", self.bundle.name, self.file.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip(bytes: u64) -> Zip {
        let bundle = Bundle { name: "payment".to_owned(), folder: PathBuf::from("functions/payments") };
        Zip { bundle, file: PathBuf::from("payment/bootstrap.zip"), bytes }
    }

    #[test]
    fn a_zip_above_the_limit_is_named() {
        check(&[zip(LIMIT_BYTES)]).unwrap();
        assert_eq!(check(&[zip(LIMIT_BYTES + 1)]).unwrap_err().to_string(), "larger than 4 MB: payment");
        assert_eq!(zip(3_216_000).to_string(), "payment             3.22 MB  payment/bootstrap.zip");
    }
}
