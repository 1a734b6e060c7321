//! Links between documents.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::page::{Page, ROOT, pages};

/// Checks one link, and returns what is wrong with it.
fn broken(page: &Page, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { page.path.clone() } else { page.resolve(file) };
    if !Path::new(ROOT).join(&path).exists() {
        return Some(format!("{target}: there is no {}", path.display()));
    }
    if anchor.is_empty() || path.extension().is_none_or(|extension| extension != "md") {
        return None;
    }
    let has_heading = Page::read(&path).anchors().contains(anchor);
    (!has_heading).then(|| format!("{target}: {} has no such heading", path.display()))
}

#[test]
fn every_relative_link_and_anchor_resolves() {
    let pages = pages();
    let mut checked = 0;
    let mut found = Vec::new();
    for page in &pages {
        for (line, target) in page.links() {
            checked += 1;
            found
                .extend(broken(page, target).map(|error| format!("{}:{line}: {error}", page.path.display())));
        }
    }
    assert!(checked > 50, "links are read wrongly: {checked}");
    assert!(found.is_empty(), "broken links:\n{}", found.join("\n"));
}

/// Returns the documents that these link to.
fn linked_from(paths: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let mut linked = BTreeSet::new();
    for page in paths.iter().map(Page::read) {
        for (_, target) in page.links() {
            let file = target.split('#').next().unwrap_or_default();
            let path = page.resolve(file);
            if path.extension().is_some_and(|extension| extension == "md") {
                linked.insert(path);
            }
        }
    }
    linked
}

#[test]
fn every_page_is_at_most_two_links_away_from_the_readme() {
    let readme = BTreeSet::from([PathBuf::from("README.md")]);
    let first = linked_from(&readme);
    let second = linked_from(&first);
    let far: Vec<PathBuf> = pages()
        .into_iter()
        .map(|page| page.path)
        .filter(|path| !readme.contains(path) && !first.contains(path) && !second.contains(path))
        .collect();
    assert!(far.is_empty(), "more than two links from the README: {far:?}");
}

/// The folders at the root that pages name files of.
const FOLDERS: [&str; 11] = [
    "cli/",
    "docker/",
    "docs/",
    "events/",
    "functions/",
    "lab/",
    "localstack/",
    "shared/",
    "system/",
    "tests/",
    "xtask/",
];

#[test]
fn every_file_that_a_page_names_exists() {
    let mut checked = 0;
    // They name files of the past, of other projects, and files that the reader creates.
    let exempt = ["CHANGELOG.md", "docs/reference/parity.md", "docs/guides/add-a-step.md"].map(Path::new);
    for page in pages().iter().filter(|page| !exempt.contains(&page.path.as_path())) {
        for (line, named) in page.quoted() {
            let is_file = FOLDERS.iter().any(|folder| named.starts_with(folder));
            if is_file && !named.contains(['*', ' ', '<', '$']) && !named.contains("BUNDLE") {
                let exists = Path::new(ROOT).join(named).exists();
                assert!(exists, "{}:{line}: there is no {named}", page.path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "{checked} files");
}
