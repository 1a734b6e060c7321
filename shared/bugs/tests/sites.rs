//! Each deliberate bug has one place in the code, and the code asks for no other.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orderflow_bugs::BUGS;

/// What the code asks for a bug with.
const CALL: &str = concat!("is_plan", "ted(\"");

/// Counts the places of each bug below a folder.
fn count(folder: &Path, places: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count(&path, places);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for call in text.split(CALL).skip(1) {
                *places.entry(call.split('"').next().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
}

#[test]
fn each_bug_has_one_place_in_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut places = BTreeMap::new();
    for folder in ["functions", "shared"] {
        count(&root.join(folder), &mut places);
    }
    let expected: BTreeMap<String, usize> = BUGS.iter().map(|bug| (bug.name.to_owned(), 1)).collect();
    assert_eq!(places, expected);
    assert_eq!(expected.len(), BUGS.len(), "a bug is listed twice");
}

#[test]
fn each_bug_is_described_in_a_sentence() {
    for bug in BUGS {
        let is_name = bug.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(is_name && bug.sentence.ends_with('.'), "{bug:?}");
    }
}
