//! Reference pages against the code.

use std::collections::BTreeSet;
use std::path::Path;

use orderflow_documents::OPENAPI;
use orderflow_domain::EventType;
use orderflow_http::ProblemKind;
use orderflow_messaging::{DeadLetterCode, SUBSCRIPTIONS};
use orderflow_telemetry::METRICS;
use serde_json::Value;

use crate::page::{Page, ROOT};

/// Returns the text in backquotes that begins each heading of a section.
fn quoted_headings(page: &Page, section: &str) -> BTreeSet<String> {
    let text = page.text.split(&format!("\n## {section}\n")).nth(1);
    let text = text.unwrap_or_else(|| panic!("{} has no section {section}", page.path.display()));
    let section = text.split("\n## ").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

/// Returns the first text in backquotes of each row of the page's tables.
fn first_cells(page: &Page) -> BTreeSet<String> {
    let rows = page.text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

#[test]
fn every_problem_has_a_heading_of_its_own() {
    let page = Page::read("docs/reference/errors.md");
    let kinds = ProblemKind::ALL.into_iter().map(|kind| kind.slug().to_owned()).collect();
    assert_eq!(quoted_headings(&page, "Problems of the HTTP API"), kinds);
    for kind in ProblemKind::ALL {
        let heading = format!("### `{}` ({})", kind.slug(), kind.status().as_u16());
        assert!(page.text.contains(&heading), "docs/reference/errors.md has no heading {heading:?}");
    }
}

#[test]
fn every_dead_letter_code_has_a_heading_of_its_own() {
    let page = Page::read("docs/reference/errors.md");
    let codes = DeadLetterCode::ALL.iter().map(|(code, _)| code.as_str().to_owned()).collect();
    assert_eq!(quoted_headings(&page, "Dead-letter codes"), codes);
}

#[test]
fn every_metric_has_a_row_and_every_row_a_metric() {
    let names = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(first_cells(&Page::read("docs/reference/metrics.md")), names);
}

#[test]
fn every_event_has_a_row_with_its_consumers() {
    let page = Page::read("docs/reference/events.md");
    for event_type in EventType::ALL {
        let start = format!("| `{event_type}` |");
        let row = page.text.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("docs/reference/events.md has no row for {event_type}"));
        let named = row.rsplit('|').nth(1).unwrap_or_default();
        let named: BTreeSet<&str> = named.split('`').skip(1).step_by(2).collect();
        let subscribed: BTreeSet<&str> = SUBSCRIPTIONS
            .iter()
            .filter(|row| row.types.contains(event_type))
            .map(|row| row.consumer)
            .collect();
        assert_eq!(named, subscribed, "consumers of {event_type}");
    }
}

#[test]
fn every_call_of_the_api_is_on_the_page() {
    let page = Page::read("docs/reference/http.md");
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 15, "the document is read wrongly");
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let call = format!("`{} {}`", method.to_uppercase(), path.trim_start_matches("/api/v1"));
            assert!(page.text.contains(&call), "docs/reference/http.md has no {call}");
        }
    }
}

/// Returns the crates of this repository that a manifest lists under `[dependencies]`, without their prefix.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new(ROOT).join(manifest)).unwrap();
    let section = text.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.strip_prefix("orderflow-")?.split(['.', ' ']).next());
    names.map(str::to_owned).collect()
}

#[test]
fn the_layers_are_those_of_the_manifests() {
    let page = Page::read("ARCHITECTURE.md");
    let folders = std::fs::read_dir(Path::new(ROOT).join("shared")).unwrap();
    for folder in folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        if folder == "testing" {
            continue;
        }
        let start = format!("| `shared/{folder}` |");
        let row = page.text.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for shared/{folder}"));
        let named = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        let named: BTreeSet<String> = match named {
            "nothing of ours" => BTreeSet::new(),
            names => names.split(", ").map(str::to_owned).collect(),
        };
        assert_eq!(named, dependencies(&format!("shared/{folder}/Cargo.toml")), "imports of shared/{folder}");
    }
}
