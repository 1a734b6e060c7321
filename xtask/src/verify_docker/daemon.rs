//! The Docker daemon: the one that is running, or a private one if none is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::apt;
use crate::process::{Outputs, Server, retry};
use crate::shell;

use super::SHORT;

/// The Debian packages, each with a program that shows whether it is installed.
const PACKAGES: [(&str, &str); 3] =
    [("docker.io", "dockerd"), ("docker-compose", "docker-compose"), ("debootstrap", "debootstrap")];

/// The folders of Debian's programs. Another `docker` earlier in the search path may be unable to build images.
const DEBIAN: [&str; 2] = ["/usr/bin", "/usr/sbin"];

/// A daemon that answers.
pub(super) struct Docker {
    private: Option<Private>,
}

/// A daemon started here. Its images may be stand-ins, and its containers end with it.
struct Private {
    socket: PathBuf,
    _daemon: Server,
}

/// Installs missing packages if no daemon is running. A running daemon is assumed to be complete.
pub(super) fn install() -> Result<()> {
    if answers(&mut Command::new("docker")) {
        return Ok(());
    }
    let is_installed = |program: &str| DEBIAN.iter().any(|folder| Path::new(folder).join(program).is_file());
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(_, program)| !is_installed(program)).map(|(package, _)| *package).collect();
    if missing.is_empty() { Ok(()) } else { apt::install_stopped(&missing) }
}

impl Docker {
    /// Returns the running daemon, or starts a private one.
    pub(super) fn ready(outputs: &Outputs) -> Result<Self> {
        if answers(&mut Command::new("docker")) {
            return Ok(Self { private: None });
        }
        Ok(Self { private: Some(Private::start(outputs)?) })
    }

    /// Returns whether the daemon was started here.
    pub(super) fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// Returns a `docker` command for this daemon.
    pub(super) fn docker<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Command> {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_BUILDKIT", "1");
        self.connect(&mut command, &[])?;
        Ok(command)
    }

    /// Sets the environment of a command so that it uses this daemon and finds the programs in these folders.
    pub(super) fn connect(&self, command: &mut Command, folders: &[&Path]) -> Result<()> {
        let mut path = folders.to_vec();
        if let Some(private) = &self.private {
            path.extend(DEBIAN.iter().map(Path::new));
            command.env("DOCKER_HOST", host(&private.socket));
        }
        command.env("PATH", shell::path_with(&path)?);
        Ok(())
    }
}

impl Private {
    fn start(outputs: &Outputs) -> Result<Self> {
        let folder = outputs.folder().join("daemon");
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let socket = folder.join("docker.sock");
        let mut command = Command::new("dockerd");
        command
            .arg("--data-root")
            .arg(folder.join("data"))
            .arg("--exec-root")
            .arg(folder.join("exec"))
            .arg("--pidfile")
            .arg(folder.join("pid"))
            .args(["--log-level", "warn", "--host", &host(&socket)])
            .env("PATH", shell::path_with(&DEBIAN.map(Path::new))?);
        let mut daemon = outputs.start("dockerd", &mut command)?;
        retry(SHORT, || {
            daemon.check()?;
            let mut docker = Command::new("docker");
            docker.env("DOCKER_HOST", host(&socket));
            anyhow::ensure!(answers(&mut docker), "dockerd does not answer, see dockerd.log");
            Ok(())
        })?;
        Ok(Self { socket, _daemon: daemon })
    }
}

fn host(socket: &Path) -> String {
    format!("unix://{}", socket.display())
}

fn answers(docker: &mut Command) -> bool {
    let info = docker.args(["info", "--format", "{{.ServerVersion}}"]).output();
    info.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}
