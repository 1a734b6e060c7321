//! What every document has in common: its length, its first sentence and the marks of its shell blocks.

use crate::page::pages;

/// The most lines that README.md may have.
const README_LINES: usize = 150;

/// The most lines that other pages may have, except those in [`LISTS`]. A longer page has more than one purpose.
const PAGE_LINES: usize = 260;

/// Pages to look things up in, which are as long as what they list.
const LISTS: [&str; 6] = [
    "CHANGELOG.md",
    "docs/guides/add-a-step.md",
    "docs/reference/commands.md",
    "docs/reference/parity.md",
    "docs/reference/scenarios.md",
    "docs/reference/settings.md",
];

/// What a shell block may need besides a running `orderflow` and standard tools.
/// `id` is the id of an order or a dead letter of the reader's own.
const NEEDS: [&str; 11] =
    ["aws", "broker", "checkout", "docker", "id", "jaeger", "ministack", "release", "rust", "sam", "stripe"];

#[test]
fn pages_are_short_unless_they_are_lists() {
    for page in pages() {
        let path = page.path.to_str().unwrap();
        let limit = if path == "README.md" { README_LINES } else { PAGE_LINES };
        let lines = page.text.lines().count();
        assert!(LISTS.contains(&path) || lines <= limit, "{path} has {lines} lines, and {limit} are allowed");
    }
}

#[test]
fn every_page_begins_with_a_title_and_says_what_it_is_for() {
    for page in pages() {
        let mut lines = page.text.lines().filter(|line| !line.is_empty());
        let (title, purpose) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        assert!(title.starts_with("# "), "{} begins with {title:?}", page.path.display());
        let is_sentence = purpose.chars().next().is_some_and(|c| c.is_alphabetic() || matches!(c, '`' | '['));
        assert!(is_sentence, "{}: below the title stands {purpose:?}", page.path.display());
    }
}

/// `cli/tests/pages` runs the blocks marked `sh run`, and with a RabbitMQ those marked `sh run=broker`. Other blocks say what a reader
/// needs, such as `sh needs=docker,rust`.
#[test]
fn every_shell_block_says_whether_it_runs_or_what_it_needs() {
    let mut runnable = 0;
    for page in pages() {
        for block in page.blocks() {
            let Some(mark) = block.info.strip_prefix("sh") else { continue };
            let place = format!("{}:{}", page.path.display(), block.line);
            match mark.trim().strip_prefix("needs=") {
                Some(needs) => {
                    let unknown: Vec<&str> = needs.split(',').filter(|need| !NEEDS.contains(need)).collect();
                    assert!(unknown.is_empty(), "{place}: {unknown:?} is none of {NEEDS:?}");
                }
                None => {
                    let runs = matches!(mark, " run" | " run=broker");
                    assert!(runs, "{place}: mark it `sh run`, `sh run=broker` or `sh needs=...`");
                    runnable += 1;
                }
            }
        }
    }
    assert!(runnable > 10, "{runnable} runnable blocks");
}
