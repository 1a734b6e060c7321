//! Packages of Debian and distributions derived from it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// The script that a package's installation runs to ask whether it may start a service (see Debian's invoke-rc.d(8)).
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";

/// A policy that forbids starting services: its exit status 101 means "action forbidden by policy".
const REFUSE: &str = "#!/bin/sh\nexit 101\n";

/// Installs packages without starting the services that they contain.
pub(crate) fn install_stopped(packages: &[&str]) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("installing {} with apt-get needs root", packages.join(", "));
    }
    let _refusal = ServiceRefusal::place(Path::new(SERVICE_POLICY))
        .with_context(|| format!("write {SERVICE_POLICY}"))?;
    install(packages)
}

/// Installs packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    // A fresh container image has empty package lists.
    shell::run(&mut apt_get(&["update"]))?;
    shell::run(apt_get(&["install", "--yes", "--no-install-recommends"]).args(packages))
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Forbids starting services until it is dropped.
struct ServiceRefusal {
    policy: PathBuf,
}

impl ServiceRefusal {
    /// Writes the policy. Returns `None` if the machine already has a policy, which is kept and stays in force.
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
            eprintln!(
                "{} could not be removed: {error}; remove it, or no service can start",
                self.policy.display()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_policy_exists_until_the_refusal_is_dropped() {
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
    fn an_existing_policy_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        std::fs::write(&policy, "its own").unwrap();
        drop(ServiceRefusal::place(&policy).unwrap());
        assert_eq!(std::fs::read_to_string(&policy).unwrap(), "its own");
    }
}
