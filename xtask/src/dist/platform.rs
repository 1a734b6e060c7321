//! The platforms that packages exist for, and their names in each registry.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// The libraries that every Linux with glibc has: those of PEP 600 that the program can need.
const OF_EVERY_LINUX: [&str; 8] = [
    "libc.so",
    "libm.so",
    "libgcc_s.so",
    "libpthread.so",
    "libdl.so",
    "librt.so",
    "ld-linux-x86-64.so",
    "ld-linux-aarch64.so",
];

/// A platform under its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Platform {
    /// Rust's.
    pub triple: &'static str,
    /// Python's: the machine, after the version of the C library or of macOS.
    pub wheel: &'static str,
    /// npm's `os` and `cpu`, which are Node.js's `process.platform` and `process.arch`.
    pub os: &'static str,
    pub cpu: &'static str,
}

pub(super) const PLATFORMS: [Platform; 4] = [
    Platform { triple: "x86_64-unknown-linux-gnu", wheel: "x86_64", os: "linux", cpu: "x64" },
    Platform { triple: "aarch64-unknown-linux-gnu", wheel: "aarch64", os: "linux", cpu: "arm64" },
    Platform { triple: "x86_64-apple-darwin", wheel: "x86_64", os: "darwin", cpu: "x64" },
    Platform { triple: "aarch64-apple-darwin", wheel: "arm64", os: "darwin", cpu: "arm64" },
];

impl Platform {
    /// Returns the platform that this task was compiled for.
    pub(super) fn of_this_machine() -> Result<Self> {
        let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
        let cpu = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            "x86_64" => "x64",
            other => other,
        };
        let found = PLATFORMS.into_iter().find(|platform| (platform.os, platform.cpu) == (os, cpu));
        found.with_context(|| format!("there are no packages for {os} on {}", std::env::consts::ARCH))
    }

    /// Returns the name of the npm package with the program.
    pub(super) fn npm_package(&self) -> String {
        format!("orderflow-{}-{}", self.os, self.cpu)
    }

    /// Returns the platform tag of the wheel: on Linux the oldest glibc that the program runs with (PEP 600).
    ///
    /// # Errors
    /// The program needs a library that not every Linux has.
    pub(super) fn wheel_tag(&self, program: &Path) -> Result<String> {
        if self.os == "darwin" {
            let oldest = if self.cpu == "arm64" { "11_0" } else { "10_12" };
            return Ok(format!("macosx_{oldest}_{}", self.wheel));
        }
        let headers = shell::output(
            Command::new("readelf").args(["--dynamic", "--version-info", "--wide"]).arg(program),
        )?;
        let unknown: Vec<&str> = needed(&headers)
            .filter(|name| !OF_EVERY_LINUX.iter().any(|known| name.starts_with(known)))
            .collect();
        if !unknown.is_empty() {
            bail!("{} needs libraries that a machine may lack: {}", program.display(), unknown.join(", "));
        }
        let minor = glibc_minor(&headers)
            .with_context(|| format!("{} is not linked with glibc", program.display()))?;
        Ok(format!("manylinux_2_{minor}_{}", self.wheel))
    }
}

/// Returns the shared libraries in the output of readelf.
fn needed(headers: &str) -> impl Iterator<Item = &str> {
    headers.lines().filter_map(|line| line.split_once("(NEEDED)")?.1.split_once('[')?.1.split(']').next())
}

/// Returns the newest version `2.N` of glibc in the output of readelf.
fn glibc_minor(headers: &str) -> Option<u32> {
    let versions = headers.split("GLIBC_2.").skip(1);
    versions.filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: &str = " 0x1 (NEEDED)  Shared library: [libsqlite3.so.0]\n 0x1 (NEEDED)  Shared library: [libc.so.6]\n\
                           0x10:   Name: GLIBC_2.9  Flags: none\n 0x20:   Name: GLIBC_2.34  Flags: none\n";

    #[test]
    fn libraries_and_the_newest_glibc_are_read() {
        assert_eq!(needed(HEADERS).collect::<Vec<_>>(), ["libsqlite3.so.0", "libc.so.6"]);
        assert_eq!(glibc_minor(HEADERS), Some(34));
        assert_eq!(glibc_minor("statically linked"), None);
    }

    #[test]
    fn this_machine_has_a_platform() {
        let platform = Platform::of_this_machine().unwrap();
        assert!(platform.triple.starts_with(std::env::consts::ARCH), "{platform:?}");
    }
}
