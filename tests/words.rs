//! The words of docs/glossary.md are used everywhere: names and phrases that they replaced occur in no file.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Files that may contain the old words: the history, the glossary, which names them, and the licence of the libraries of others.
const EXEMPT: [&str; 3] = ["CHANGELOG.md", "docs/glossary.md", "shared/api-page/swagger-ui/LICENSE"];

/// Folders that are not part of the sources.
const SKIPPED: [&str; 5] =
    ["target", ".git", "data", "console/web/node_modules", "shared/api-page/swagger-ui/node_modules"];

/// Where names of an earlier version are needed to read what it stored: a data directory that it wrote, and attributes and fields under
/// their former names, with the tests of both.
const STORED_BY_EARLIER_VERSIONS: [(&str, &[&str]); 5] = [
    ("cli/tests/program/fixtures/", &["red~rives", "put~off", "left al~one"]),
    ("functions/orders/src/table.rs", &["red~rives"]),
    ("lab/src/sim/audit/delivery.rs", &["red~rive"]),
    ("lab/src/sim/publisher.rs", &["red~rive"]),
    ("shared/domain/src/envelope.rs", &["red~rive"]),
];

/// Private names of known things, and phrases without a subject. The `~` keeps this test from finding itself.
const OLD_WORDS: &[&str] = &[
    // Phrases that do not name the actor.
    "who~ever",
    "some~body",
    "no~body",
    "an~ew",
    "there~by",
    "such a o~ne",
    "none wh~ere",
    "is to~ld",
    "are to~ld",
    "was to~ld",
    "has to come ag~ain",
    "have to come ag~ain",
    "come ag~ain",
    "comes ag~ain",
    "came ag~ain",
    "how mani~eth",
    "mani~eth",
    "is gone o~n with",
    "go o~n with",
    "goes o~n with",
    "gone o~n with",
    "what wa~its",
    "dealt wi~th",
    "deal wi~th",
    "deals wi~th",
    "left al~one",
    "leave al~one",
    "leaves al~one",
    "for go~od",
    "be seen t~o",
    "see t~o",
    "sees t~o",
    "what became o~f",
    "what becomes o~f",
    "what is to bec~ome",
    // Messages and their delivery.
    "let g~o of",
    "let g~o",
    "let_~go",
    "bu~ry",
    "bur~ied",
    "in ha~nd",
    "In~Hand",
    "in_~hand",
    "out~standing",
    "put o~ff",
    "puts o~ff",
    "Put~Off",
    "put_~off",
    "LAD~DER",
    "run~g",
    "run~gs",
    "kill~er",
    "kill~ers",
    "inno~cent",
    "inno~cents",
    "lone_de~ath",
    "lone_de~aths",
    "pu~mp",
    "pu~mps",
    // An order's event is resent; AWS's word is in `RedrivePolicy` only.
    "red~rive",
    "red~rives",
    "red~riven",
    // Tests and modules.
    "De~sk",
    "sa~ga",
];

/// The files below a folder, as paths from the root of the repository.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap().flatten() {
        let path = folder.join(entry.file_name());
        if !SKIPPED.contains(&path.to_str().unwrap()) {
            if entry.file_type().unwrap().is_dir() {
                files(&path, found);
            } else {
                found.push(path);
            }
        }
    }
}

/// Returns whether a line contains a word or phrase, both in lower case, that is not part of a longer word.
fn contains(line: &str, word: &str) -> bool {
    let is_part = |neighbour: Option<char>| neighbour.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(start, _)| {
        !is_part(line[..start].chars().next_back()) && !is_part(line[start + word.len()..].chars().next())
    })
}

/// Returns whether a file needs a word as the name of something stored.
fn is_stored_name(path: &Path, word: &str) -> bool {
    let path = path.to_str().unwrap();
    STORED_BY_EARLIER_VERSIONS.iter().any(|(file, names)| {
        path.starts_with(file) && names.iter().any(|name| name.replace('~', "").to_lowercase() == word)
    })
}

#[test]
fn old_words_occur_in_no_file() {
    let words: Vec<String> = OLD_WORDS.iter().map(|word| word.replace('~', "").to_lowercase()).collect();
    let mut paths = Vec::new();
    files(Path::new(""), &mut paths);
    assert!(paths.len() > 500, "the repository was not read: {} files", paths.len());
    let mut found = Vec::new();
    for path in paths.iter().filter(|path| !EXEMPT.contains(&path.to_str().unwrap())) {
        // A file that is not text has no words.
        let Ok(text) = fs::read_to_string(Path::new(ROOT).join(path)) else { continue };
        for (index, line) in text.lines().enumerate() {
            let line = line.to_lowercase();
            for word in words.iter().filter(|word| contains(&line, word) && !is_stored_name(path, word)) {
                found.push(format!("{}:{}: {word}", path.display(), index + 1));
            }
        }
    }
    assert!(found.is_empty(), "write these in the words of docs/glossary.md:\n{}", found.join("\n"));
}

#[test]
fn a_word_is_found_as_a_whole_only() {
    assert!(contains("the word, in a line", "word"));
    assert!(!contains("words", "word") && !contains("a_word", "word"));
}
