//! The Python wheel, whose only content is the program: <https://packaging.python.org/specifications/binary-distribution-format/>.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;
use crate::tools::{Tool, Toolbox};

use super::{ABOUT, Release, SUMMARY, copy, created, write};

/// Builds the wheel and returns its path.
pub(super) fn build(release: &Release, toolbox: &Toolbox) -> Result<PathBuf> {
    let version = &release.version;
    let content = release.staging.join(format!("orderflow-{version}"));
    let scripts = created(&content.join(format!("orderflow-{version}.data/scripts")))?;
    copy(&release.program, &scripts.join("orderflow"))?;
    let tag = format!("py3-none-{}", release.platform.wheel_tag(&release.program)?);
    describe(release, &tag, &content.join(format!("orderflow-{version}.dist-info")))?;
    let wheel = toolbox.find(Tool::Wheel).context("wheel disappeared")?;
    // Files of wheels have a time; this one is the oldest that zip files can have.
    let mut pack = Command::new(wheel);
    pack.arg("pack")
        .arg(&content)
        .arg("--dest-dir")
        .arg(&release.output)
        .env("SOURCE_DATE_EPOCH", "315532800");
    shell::run(&mut pack)?;
    Ok(release.output.join(format!("orderflow-{version}-{tag}.whl")))
}

fn describe(release: &Release, tag: &str, folder: &Path) -> Result<()> {
    let licences = created(&folder.join("licenses"))?;
    copy(&release.licence, &licences.join("LICENSE"))?;
    // PEP 770.
    copy(&release.sbom, &created(&folder.join("sboms"))?.join("orderflow.cdx.json"))?;
    write(
        &folder.join("WHEEL"),
        &format!("Wheel-Version: 1.0\nGenerator: orderflow-xtask\nRoot-Is-Purelib: false\nTag: {tag}\n"),
    )?;
    write(&folder.join("METADATA"), &metadata(&release.version))
}

fn metadata(version: &str) -> String {
    format!(
        "Metadata-Version: 2.4\nName: orderflow\nVersion: {version}\nSummary: {SUMMARY}\nLicense-Expression: MIT\n\
         License-File: LICENSE\nRequires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n{ABOUT}"
    )
}
