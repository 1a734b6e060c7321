//! The npm packages: one for each platform with the program in it, and `orderflow`, which depends on the one that fits.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::shell;
use crate::tools::{Tool, Toolbox};
use crate::workspace::Workspace;

use super::platform::{PLATFORMS, Platform};
use super::{ABOUT, Release, SUMMARY, copy, created, write};

const LAUNCHER: &str = include_str!("npm/orderflow.js");

/// Builds the package of this platform and the one that starts it, and returns their paths.
pub(super) fn build(workspace: &Workspace, release: &Release, toolbox: &Toolbox) -> Result<Vec<PathBuf>> {
    let platform = release.platform.npm_package();
    let with_program = lay_out(release, &platform, &of_platform(&release.version, release.platform))?;
    let program = created(&with_program.join("bin"))?.join("orderflow");
    copy(&release.program, &program)?;
    let starter = lay_out(release, "orderflow", &of_starter(&release.version))?;
    write(&starter.join("orderflow.js"), LAUNCHER)?;
    [with_program, starter].iter().map(|folder| pack(workspace, release, toolbox, folder)).collect()
}

/// Creates the folder of a package with what every package has.
fn lay_out(release: &Release, name: &str, description: &Value) -> Result<PathBuf> {
    let folder = created(&release.staging.join("npm").join(name))?;
    copy(&release.licence, &folder.join("LICENSE"))?;
    write(&folder.join("README.md"), ABOUT)?;
    write(&folder.join("package.json"), &format!("{description:#}\n"))?;
    Ok(folder)
}

fn of_platform(version: &str, platform: Platform) -> Value {
    let mut package = json!({
        "name": platform.npm_package(),
        "version": version,
        "description": format!("The program of the package orderflow for {} on {}", platform.os, platform.cpu),
        "license": "MIT",
        "os": [platform.os],
        "cpu": [platform.cpu],
        "files": ["bin"],
    });
    if platform.os == "linux" {
        package["libc"] = json!(["glibc"]);
    }
    package
}

fn of_starter(version: &str) -> Value {
    let platforms = PLATFORMS.iter().map(|platform| (platform.npm_package(), Value::from(version)));
    json!({
        "name": "orderflow",
        "version": version,
        "description": SUMMARY,
        "license": "MIT",
        "bin": {"orderflow": "orderflow.js"},
        "files": ["orderflow.js"],
        "engines": {"node": ">=18"},
        "optionalDependencies": platforms.collect::<Map<_, _>>(),
    })
}

fn pack(workspace: &Workspace, release: &Release, toolbox: &Toolbox, folder: &Path) -> Result<PathBuf> {
    let npm = toolbox.find(Tool::Npm).context("npm disappeared")?;
    let mut pack = workspace.program(npm);
    shell::run(
        pack.args(["pack", "--silent", "--pack-destination"]).arg(&release.output).current_dir(folder),
    )?;
    let name = folder.file_name().context("a package has a name")?.to_string_lossy();
    let file = release.output.join(format!("{name}-{}.tgz", release.version));
    fs::metadata(&file).with_context(|| format!("find {}", file.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_finds_the_package_of_each_platform() {
        let starter = of_starter("1.2.3");
        for platform in PLATFORMS {
            let package = of_platform("1.2.3", platform);
            assert_eq!(starter["optionalDependencies"][package["name"].as_str().unwrap()], "1.2.3");
        }
        assert!(LAUNCHER.contains("`orderflow-${process.platform}-${process.arch}`"));
    }
}
