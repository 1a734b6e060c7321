//! The README's own commands.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// Where the README's commands find the system.
const THERE: &str = "http://127.0.0.1:8080";

const PLACE_AN_ORDER: &str = "curl -s -X POST ";

const NEWEST_ORDER: &str = "curl -s 'http";

/// What the order's command gets besides, so that one that is run again places no second order.
const KEY: &str = " -H 'Idempotency-Key: verify-docker'";

/// The README's command that places an order, against the system at this address.
pub(super) fn place_an_order(workspace: &Workspace, url: &str) -> Result<Command> {
    Ok(command(workspace, &(found(workspace, PLACE_AN_ORDER)? + KEY), url))
}

/// The README's command that shows the newest order, against the system at this address.
pub(super) fn show_the_newest_order(workspace: &Workspace, url: &str) -> Result<Command> {
    Ok(command(workspace, &found(workspace, NEWEST_ORDER)?, url))
}

fn command(workspace: &Workspace, line: &str, url: &str) -> Command {
    let mut command = workspace.program("sh");
    command.arg("-c").arg(line.replace(THERE, url));
    command
}

/// The README's first command that begins like this.
fn found(workspace: &Workspace, beginning: &str) -> Result<String> {
    let readme = std::fs::read_to_string(workspace.resolve("README.md")).context("read README.md")?;
    find(&readme, beginning).with_context(|| format!("README.md has no `{beginning}`"))
}

/// The first line that begins like this, with the lines that continue it.
fn find(readme: &str, beginning: &str) -> Option<String> {
    let mut lines = readme.lines().skip_while(|line| !line.starts_with(beginning));
    let mut command = lines.next()?.to_owned();
    while command.ends_with('\\') {
        command = command + "\n" + lines.next()?;
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_all_its_lines() {
        let readme = "text\ncurl -s -X POST a \\\n  -d b\ncurl -s 'http://c'\n";
        assert_eq!(find(readme, PLACE_AN_ORDER).unwrap(), "curl -s -X POST a \\\n  -d b");
        assert_eq!(find(readme, "wget"), None);
    }

    #[test]
    fn the_readme_has_both() {
        let workspace = Workspace::locate();
        for command in [place_an_order, show_the_newest_order] {
            let command = command(&workspace, "http://elsewhere").unwrap();
            let line = command.get_args().nth(1).unwrap().to_str().unwrap().to_owned();
            assert!(line.contains("http://elsewhere/api/v1/orders"), "{line}");
        }
    }
}
