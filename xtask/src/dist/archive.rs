//! The archive that `cargo binstall` downloads, under the name that `cli/Cargo.toml` has for it.

use std::process::Command;

use anyhow::Result;

use crate::shell;

use super::{ABOUT, Release, copy, created, write};

/// Builds the archive.
pub(super) fn build(release: &Release) -> Result<()> {
    let name = format!("orderflow-{}-{}", release.version, release.platform.triple);
    let folder = created(&release.staging.join("archive").join(&name))?;
    copy(&release.program, &folder.join("orderflow"))?;
    copy(&release.licence, &folder.join("LICENSE"))?;
    write(&folder.join("README.md"), ABOUT)?;
    let mut tar = Command::new("tar");
    tar.args(["--create", "--gzip", "--file"]).arg(release.output.join(format!("{name}.tar.gz")));
    shell::run(tar.arg("--directory").arg(release.staging.join("archive")).arg(&name))
}

#[cfg(test)]
mod tests {
    /// The lines of `cli/Cargo.toml` for `cargo binstall`.
    #[test]
    fn cargo_binstall_finds_the_program_in_the_archive() {
        let manifest = include_str!("../../../cli/Cargo.toml");
        let (_, section) = manifest.split_once("[package.metadata.binstall]\n").unwrap();
        let value = |key: &str| {
            section.lines().find_map(|line| line.strip_prefix(&format!("{key} = \""))?.strip_suffix('"'))
        };
        let filled = |template: &str| {
            let values = [
                ("name", "orderflow"),
                ("bin", "orderflow"),
                ("version", "1.2.3"),
                ("target", "T"),
                ("binary-ext", ""),
            ];
            values.iter().fold(template.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{ {name} }}"), value)
            })
        };
        let url = filled(value("pkg-url").unwrap());
        assert!(url.ends_with("/releases/download/v1.2.3/orderflow-1.2.3-T.tar.gz"), "{url}");
        assert_eq!(filled(value("bin-dir").unwrap()), "orderflow-1.2.3-T/orderflow");
        assert_eq!(value("pkg-fmt"), Some("tgz"));
    }
}
