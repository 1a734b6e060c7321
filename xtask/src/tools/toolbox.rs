//! Where the tools are found, and how they are installed.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::{
    AIOSMTPD, CARGO_DENY, CARGO_LAMBDA, CARGO_LLVM_COV, CHROMEDRIVER_VARIABLE, LOCALSTRIPE, MINISTACK,
    RABBITMQ_VARIABLE, SAM_CLI, Tool, ZIG, cargo, python,
};
use crate::apt;
use crate::compose;
use crate::report::Report;
use crate::workspace::Workspace;

/// Debian's own script: the one in `sbin` switches to another user.
const RABBITMQ_SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

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
            Tool::LambdaEmulator => python::packages(&self.venv(tool))?
                .join(format!("samcli/local/rapid/aws-lambda-rie-{}", emulator_architecture())),
            Tool::MiniStack => {
                python::packages(&self.venv(tool))?;
                self.venv(tool).join("bin/ministack")
            }
            Tool::LocalStripe => {
                python::packages(&self.venv(tool))?;
                self.venv(tool).join("bin/python")
            }
            Tool::Aiosmtpd => {
                python::packages(&self.venv(tool))?;
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
                python::packages(&self.venv(tool))?;
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
            Tool::LambdaEmulator => python::install(&self.venv(tool), &[format!("aws-sam-cli=={SAM_CLI}")])?,
            Tool::MiniStack => python::install(&self.venv(tool), &[format!("ministack[full]=={MINISTACK}")])?,
            Tool::LocalStripe => python::install(&self.venv(tool), &[format!("localstripe=={LOCALSTRIPE}")])?,
            Tool::Aiosmtpd => python::install(&self.venv(tool), &[format!("aiosmtpd=={AIOSMTPD}")])?,
            Tool::RabbitMq => apt::install_stopped(&["rabbitmq-server"]).with_context(|| {
                format!("install RabbitMQ 3.10 or newer, or let {RABBITMQ_VARIABLE} name its rabbitmq-server")
            })?,
            Tool::ChromeDriver => apt::install(&["chromium-driver"]).with_context(|| {
                format!("install Chromium with its driver, or let {CHROMEDRIVER_VARIABLE} name chromedriver")
            })?,
            Tool::CargoDeny => cargo::install(&self.cargo_root(tool), "cargo-deny", CARGO_DENY)?,
            Tool::CargoLambda => {
                let requirements = [format!("cargo-lambda=={CARGO_LAMBDA}"), format!("ziglang=={ZIG}")];
                python::install(&self.venv(tool), &requirements)?;
                python::link_zig(&self.venv(tool))?;
            }
            Tool::LlvmCov => cargo::install(&self.cargo_root(tool), "cargo-llvm-cov", CARGO_LLVM_COV)?,
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

/// The suffix of the emulator's binary for this machine.
fn emulator_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

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
