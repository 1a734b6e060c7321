//! Checks that every test passed that the tables of these pages name: docs/concepts/guarantees.md, docs/reference/parity.md, docs/reference/cases.md and
//! docs/operate/security.md.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

/// The paths of the tests that passed.
#[derive(Debug, Default)]
pub(crate) struct PassedTests(BTreeSet<String>);

impl PassedTests {
    /// Records the test of a line `test PATH ... ok` of the test harness; ignores other lines.
    pub(crate) fn note(&mut self, line: &str) {
        let path = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... ok"));
        self.0.extend(path.map(str::to_owned));
    }

    /// Returns whether a test passed whose path ends with these segments.
    fn contain(&self, path: &str) -> bool {
        self.0.iter().any(|passed| passed == path || passed.ends_with(&format!("::{path}")))
    }
}

/// The pages whose tables name tests, each with the heading after which they do.
const PAGES: [(&str, &str); 4] = [
    ("docs/concepts/guarantees.md", "\n## By mode\n"),
    ("docs/reference/parity.md", ""),
    ("docs/reference/cases.md", ""),
    ("docs/operate/security.md", "\n## Threats\n"),
];

/// Fails if a page names a test that did not pass.
pub(crate) fn check(workspace: &Workspace, passed: &PassedTests) -> Result<()> {
    for (name, heading) in PAGES {
        let page = workspace.resolve(name);
        let page = std::fs::read_to_string(&page).with_context(|| format!("read {}", page.display()))?;
        let (_, tables) = page.split_once(heading).with_context(|| format!("{name} has no {heading:?}"))?;
        let missing: Vec<&str> = named(tables).filter(|test| !passed.contain(test)).collect();
        ensure!(missing.is_empty(), "{name} names tests that did not pass: {}", missing.join(", "));
    }
    Ok(())
}

/// Returns the tests named in the last column of the page's tables.
fn named(page: &str) -> impl Iterator<Item = &str> {
    let cells = page.lines().filter_map(|line| line.strip_suffix('|')?.strip_prefix('|')?.rsplit('|').next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_passed_tests_are_recorded() {
        let mut passed = PassedTests::default();
        for line in ["test a::b::c ... ok", "test d ... FAILED", "test e ... ignored", "running 3 tests"] {
            passed.note(line);
        }
        assert!(passed.contain("b::c") && passed.contain("c"));
        assert!(!passed.contain("d") && !passed.contain("e") && !passed.contain("::c"));
    }

    #[test]
    fn tests_are_read_from_the_last_column() {
        let page = "| promise | here | shown by |\n|---|---|---|\n| x | `no` | `a::b`, [s](scenarios.md#s), `c` |\ntext `no`\n";
        assert_eq!(named(page).collect::<Vec<_>>(), ["a::b", "c"]);
    }
}
