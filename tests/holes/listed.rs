//! Compares the list of holes with the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Returns the numbers in the list of the documentation.
fn listed() -> BTreeSet<u32> {
    let list =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/concepts/guarantees.md")).unwrap();
    list.lines().filter_map(|line| line.strip_prefix("| H")?.split_once(' ')?.0.parse().ok()).collect()
}

/// Collects the numbers of all tests whose names begin with `hole_`.
fn collect(folder: &Path, found: &mut BTreeSet<u32>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, found);
        } else if name.ends_with(".rs") {
            found.extend(fs::read_to_string(&path).unwrap().split("fn h").skip(1).filter_map(number));
        }
    }
}

/// Returns the number in a name that continues like `07_...`.
fn number(name: &str) -> Option<u32> {
    let digits = name.split_once('_')?.0;
    if digits.len() == 2 { digits.parse().ok() } else { None }
}

#[test]
fn every_hole_has_its_test() {
    let mut found = BTreeSet::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &mut found);
    let listed = listed();
    assert!(listed.len() >= 15, "the list is read wrongly: {listed:?}");
    let missing: Vec<_> = listed.difference(&found).collect();
    assert!(missing.is_empty(), "no test for the holes {missing:?}");
    let unlisted: Vec<_> = found.difference(&listed).collect();
    assert!(unlisted.is_empty(), "docs/concepts/guarantees.md does not list {unlisted:?}");
}
