//! Settings: what the code reads, docs/reference/settings.md explains and `.env.example` lists are the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use orderflow_tests::source_code::{sources, variables};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What is spelt as a variable and is none of ours.
const NO_SETTINGS: [&str; 3] = ["AFTER_SEQUENCE_NUMBER", "MINOR_UNITS", "NO_COLOR"];

/// What only bundles read: whoever deploys them sets it.
const OF_BUNDLES: [&str; 4] = ["AWS_ENDPOINT_URL", "DEAD_LETTER_QUEUE_URL", "QUEUE_URL", "TOPIC_ARN"];

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap()
}

/// The variables that the program and the bundles read.
fn in_code() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for group in ["cli", "functions", "shared"] {
        // What `shared/testing` reads, tests set.
        let files = sources(&Path::new(ROOT).join(group)).unwrap().into_iter().filter(|file| {
            let path = file.to_string_lossy();
            path.contains("/src/") && path.ends_with(".rs") && !path.contains("/testing/")
        });
        found.extend(files.flat_map(|file| variables(&std::fs::read_to_string(file).unwrap())));
    }
    found.retain(|name| !NO_SETTINGS.contains(&name.as_str()));
    found
}

/// The variables in the first column of the table of docs/reference/settings.md.
fn in_page() -> BTreeSet<String> {
    let page = read("docs/reference/settings.md");
    let first_columns = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    first_columns
        .flat_map(|column| column.split('`').filter(|text| text.contains('_')))
        .map(str::to_owned)
        .collect()
}

fn in_example() -> BTreeSet<String> {
    settings_of_example().into_iter().map(|(name, _)| name).collect()
}

/// The settings of `.env.example`, as if somebody took every `#` off.
fn settings_of_example() -> Vec<(String, String)> {
    let text: String = read(".env.example")
        .lines()
        .map(|line| line.strip_prefix("#").unwrap_or(line))
        .filter(|line| line.contains('='))
        .map(|line| format!("{line}\n"))
        .collect();
    dotenvy::from_read_iter(text.as_bytes()).map(Result::unwrap).collect()
}

#[test]
fn the_reference_page_explains_every_variable_that_is_read_and_no_other() {
    assert_eq!(in_code(), in_page());
}

#[test]
fn the_example_lists_every_setting_of_the_program_and_no_other() {
    let mut settings = in_code();
    settings.retain(|name| !OF_BUNDLES.contains(&name.as_str()));
    assert_eq!(settings, in_example());
}
