//! Commands taken from the README.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// The address of the system in the README's commands.
const README_URL: &str = "http://127.0.0.1:8080";

const PLACE_AN_ORDER: &str = "curl -s -X POST ";

const NEWEST_ORDER: &str = "curl -s 'http";

/// Added to the command that places an order, so that a repeated command places no second order.
const KEY: &str = " -H 'Idempotency-Key: xtask'";

/// Returns the README's command that places an order, for the system at this address.
pub(crate) fn place_an_order(workspace: &Workspace, url: &str) -> Result<Command> {
    Ok(command(workspace, &(found(workspace, PLACE_AN_ORDER)? + KEY), url))
}

/// Returns the README's command that shows the newest order, for the system at this address.
pub(crate) fn show_the_newest_order(workspace: &Workspace, url: &str) -> Result<Command> {
    Ok(command(workspace, &found(workspace, NEWEST_ORDER)?, url))
}

fn command(workspace: &Workspace, line: &str, url: &str) -> Command {
    let mut command = workspace.program("sh");
    command.arg("-c").arg(line.replace(README_URL, url));
    command
}

/// Returns the README's first command with this beginning.
fn found(workspace: &Workspace, beginning: &str) -> Result<String> {
    let readme = std::fs::read_to_string(workspace.resolve("README.md")).context("read README.md")?;
    find(&readme, beginning).with_context(|| format!("README.md has no `{beginning}`"))
}

/// Finds the first line with this beginning, and the lines that continue it.
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
    fn continuation_lines_belong_to_the_command() {
        let readme = "text\ncurl -s -X POST a \\\n  -d b\ncurl -s 'http://c'\n";
        assert_eq!(find(readme, PLACE_AN_ORDER).unwrap(), "curl -s -X POST a \\\n  -d b");
        assert_eq!(find(readme, "wget"), None);
    }

    #[test]
    fn the_readme_contains_both_commands() {
        let workspace = Workspace::locate();
        for command in [place_an_order, show_the_newest_order] {
            let command = command(&workspace, "http://elsewhere").unwrap();
            let line = command.get_args().nth(1).unwrap().to_str().unwrap().to_owned();
            assert!(line.contains("http://elsewhere/api/v1/orders"), "{line}");
        }
    }
}
