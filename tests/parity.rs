//! docs/reference/parity.md, docs/reference/cases.md and the threats of docs/operate/security.md name existing tests and scenarios. `cargo xtask verify` checks that these tests ran and passed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Returns the cells of every row of the page, without headings.
fn rows(page: &str) -> Vec<[&str; 3]> {
    let cells = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
        Some(cells.try_into().unwrap_or_else(|_| panic!("a row has three cells: {line}")))
    });
    cells
        .filter(|[first, ..]: &[&str; 3]| {
            !first.starts_with("---") && !["promise", "input or fault", "risk"].contains(first)
        })
        .collect()
}

/// Returns the texts in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Returns the anchors of the scenarios that a cell links to.
fn linked(cell: &str) -> impl Iterator<Item = &str> {
    cell.split("(scenarios.md#").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0))
}

/// Returns the names of all functions in the sources.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            functions(&path, found);
        } else if name.ends_with(".rs") {
            let source = fs::read_to_string(&path).unwrap();
            let names = source.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            found.extend(names.map(str::to_owned));
        }
    }
}

/// Returns the anchors of a page's headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings =
        page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches(['#', ' ']));
    let kept = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-');
    headings
        .map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("docs/reference").join(name)).unwrap()
}

#[test]
fn every_promise_has_an_answer_and_what_shows_it() {
    let page = page("parity.md");
    let rows = rows(&page);
    assert!(rows.len() > 120, "the page is read wrongly: {} rows", rows.len());
    for [promise, here, shown_by] in rows {
        assert!(!promise.is_empty() && !here.is_empty(), "{promise}: an empty cell");
        let shows = quoted(shown_by).count() + linked(shown_by).count();
        let is_untested = shown_by.starts_with("no test, because ");
        assert_ne!(shows > 0, is_untested, "{promise}: either something shows it, or why nothing does");
    }
}

#[test]
fn what_shows_a_promise_exists() {
    let mut found = BTreeSet::new();
    functions(Path::new(ROOT), &mut found);
    let (parity, scenarios) = (page("parity.md"), anchors(&page("scenarios.md")));
    for [promise, here, shown_by] in rows(&parity) {
        for test in quoted(shown_by) {
            let name = test.rsplit("::").next().unwrap();
            assert!(found.contains(name), "{promise}: there is no test {test}");
        }
        for scenario in linked(here).chain(linked(shown_by)) {
            assert!(scenarios.contains(scenario), "{promise}: there is no scenario {scenario}");
        }
    }
}

#[test]
fn every_hardening_case_and_threat_names_existing_tests() {
    let mut found = BTreeSet::new();
    functions(Path::new(ROOT), &mut found);
    let security = fs::read_to_string(Path::new(ROOT).join("docs/operate/security.md")).unwrap();
    let (_, threats) = security.split_once("\n## Threats\n").unwrap();
    let (cases, threats) = (page("cases.md"), rows(threats));
    assert_eq!(threats.len(), 10, "the page is read wrongly");
    for [case, behaviour, shown_by] in rows(&cases).into_iter().chain(threats) {
        assert!(!case.is_empty() && !behaviour.is_empty(), "{case}: an empty cell");
        assert!(quoted(shown_by).count() > 0, "{case}: no test shows it");
        for test in quoted(shown_by) {
            let name = test.rsplit("::").next().unwrap();
            assert!(found.contains(name), "{case}: there is no test {test}");
        }
    }
}

#[test]
fn a_difference_gives_its_reason() {
    let page = page("parity.md");
    for [promise, here, _] in rows(&page) {
        for word in ["differs", "not built"] {
            let reason = here.strip_prefix(word).is_none_or(|rest| rest.starts_with(", because "));
            assert!(reason, "{promise}: {here}");
        }
    }
}
