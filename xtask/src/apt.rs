//! Packages of Debian and its kin.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Asked by every package before it starts a service.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";

/// The policy's exit status for "not allowed".
const REFUSE: &str = "#!/bin/sh\nexit 101\n";

/// Installs packages without starting the services that they bring.
pub(crate) fn install_stopped(packages: &[&str]) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("installing {} with apt-get needs root", packages.join(", "));
    }
    let _refusal = ServiceRefusal::place(Path::new(SERVICE_POLICY))
        .with_context(|| format!("{SERVICE_POLICY} could not be written"))?;
    install(packages)
}

/// Installs packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    // Fresh images come with empty package lists.
    shell::run(&mut apt_get(&["update"]))?;
    shell::run(apt_get(&["install", "--yes", "--no-install-recommends"]).args(packages))
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Keeps services from being started until it is dropped.
struct ServiceRefusal {
    policy: PathBuf,
}

impl ServiceRefusal {
    /// `None` when the machine has a policy of its own: that one counts, and stays.
    fn place(policy: &Path) -> io::Result<Option<Self>> {
        match OpenOptions::new().write(true).create_new(true).mode(0o755).open(policy) {
            Ok(mut file) => {
                let refusal = Self { policy: policy.to_path_buf() };
                file.write_all(REFUSE.as_bytes())?;
                Ok(Some(refusal))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for ServiceRefusal {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.policy) {
            eprintln!("remove {} by hand, services can't start until then: {error}", self.policy.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn services_are_refused_only_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        let refusal = ServiceRefusal::place(&policy).unwrap();
        assert!(refusal.is_some());
        assert_eq!(Command::new("/bin/sh").arg(&policy).status().unwrap().code(), Some(101));
        assert_eq!(std::fs::metadata(&policy).unwrap().permissions().mode() & 0o111, 0o111);
        drop(refusal);
        assert!(!policy.exists());
    }

    #[test]
    fn a_policy_of_the_machine_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        std::fs::write(&policy, "its own").unwrap();
        drop(ServiceRefusal::place(&policy).unwrap());
        assert_eq!(std::fs::read_to_string(&policy).unwrap(), "its own");
    }
}
