//! Docker's daemon: the machine's, or a private one where none runs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::apt;
use crate::kept::{Outputs, Server, retry};
use crate::shell;

use super::SHORT;

/// The packages, and a program of each by which it is known to be there.
const PACKAGES: [(&str, &str); 3] =
    [("docker.io", "dockerd"), ("docker-compose", "docker-compose"), ("debootstrap", "debootstrap")];

/// Where Debian puts the programs. Another `docker` in the search path may lack what builds images.
const DEBIAN: [&str; 2] = ["/usr/bin", "/usr/sbin"];

/// A daemon that answers.
pub(super) struct Docker {
    private: Option<Private>,
}

/// A daemon of our own: its images may be stand-ins, and all it has started ends with it.
struct Private {
    socket: PathBuf,
    _daemon: Server,
}

/// Installs what is missing where no daemon runs; one that runs is taken to bring what it needs.
pub(super) fn install() -> Result<()> {
    if answers(&mut Command::new("docker")) {
        return Ok(());
    }
    let is_there = |program: &str| DEBIAN.iter().any(|folder| Path::new(folder).join(program).is_file());
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(_, program)| !is_there(program)).map(|(package, _)| *package).collect();
    if missing.is_empty() { Ok(()) } else { apt::install_stopped(&missing) }
}

impl Docker {
    /// The daemon that `docker` finds, else one that is started.
    pub(super) fn ready(outputs: &Outputs) -> Result<Self> {
        if answers(&mut Command::new("docker")) {
            return Ok(Self { private: None });
        }
        Ok(Self { private: Some(Private::start(outputs)?) })
    }

    /// Whether the daemon is our own.
    pub(super) fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// `docker` with these arguments.
    pub(super) fn docker<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Command> {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_BUILDKIT", "1");
        self.reach(&mut command, &[])?;
        Ok(command)
    }

    /// Has a program find this daemon, and the programs in these folders.
    pub(super) fn reach(&self, command: &mut Command, folders: &[&Path]) -> Result<()> {
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
