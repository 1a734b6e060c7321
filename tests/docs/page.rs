//! Reads the documents as Markdown.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A document of the repository.
pub(crate) struct Page {
    /// The path from the root of the repository, such as `docs/glossary.md`.
    pub path: PathBuf,
    pub text: String,
}

/// A fenced block of a page.
pub(crate) struct Block<'a> {
    /// What follows the fence, such as `sh run`.
    pub info: &'a str,
    /// The number of the line with the fence, starting at 1.
    pub line: usize,
}

impl Page {
    /// Reads the page at this path below the root.
    pub(crate) fn read(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let text = fs::read_to_string(Path::new(ROOT).join(&path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    /// Returns the lines outside fenced blocks, with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut in_block = false;
        self.text.lines().enumerate().filter_map(move |(index, line)| {
            let is_fence = line.trim_start().starts_with("```");
            in_block ^= is_fence;
            (!in_block && !is_fence).then_some((index + 1, line))
        })
    }

    /// Returns the text of each heading, without its `#`.
    pub(crate) fn headings(&self) -> impl Iterator<Item = &str> {
        self.prose().filter_map(|(_, line)| {
            let text = line.trim_start_matches('#');
            (text.len() < line.len()).then(|| text.strip_prefix(' ')).flatten()
        })
    }

    /// Returns the anchors that GitHub gives the headings.
    pub(crate) fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        for heading in self.headings() {
            let anchor = anchor(heading);
            let numbered = (1..).map(|number| format!("{anchor}-{number}"));
            let free = std::iter::once(anchor.clone()).chain(numbered).find(|name| !anchors.contains(name));
            anchors.extend(free);
        }
        anchors
    }

    /// Returns the targets of all links and images, with their line numbers. Links of other hosts are left out.
    pub(crate) fn links(&self) -> Vec<(usize, &str)> {
        let mut links = Vec::new();
        for (number, line) in self.prose() {
            let markdown = line.match_indices("](").filter_map(|(at, _)| {
                let is_code = line[..at].matches('`').count() % 2 == 1;
                line[at + 2..].split(')').next().filter(|_| !is_code)
            });
            let html = ["src=\"", "srcset=\"", "href=\""]
                .into_iter()
                .flat_map(|name| line.split(name).skip(1).filter_map(|rest| rest.split('"').next()));
            links.extend(markdown.chain(html).map(|target| (number, target)));
        }
        links.retain(|(_, target)| !target.contains("://") && !target.starts_with("mailto:"));
        links
    }

    /// Returns the texts in backquotes outside fenced blocks, with their line numbers.
    pub(crate) fn quoted(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose()
            .flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |text| (number, text)))
    }

    /// Returns the fenced blocks.
    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut in_block = false;
        let mut blocks = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            if let Some(info) = line.trim_start().strip_prefix("```") {
                if !in_block {
                    blocks.push(Block { info: info.trim(), line: index + 1 });
                }
                in_block = !in_block;
            }
        }
        blocks
    }

    /// Returns the file that a link of this page leads to, from the root of the repository.
    pub(crate) fn resolve(&self, file: &str) -> PathBuf {
        let mut resolved = self.path.parent().unwrap_or(Path::new("")).to_path_buf();
        for part in file.split('/') {
            match part {
                "." => {}
                ".." => assert!(resolved.pop(), "{}: {file} leaves the repository", self.path.display()),
                _ => resolved.push(part),
            }
        }
        resolved
    }
}

/// Returns the anchor of a heading: lower case, without punctuation, blanks as hyphens.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

/// Returns every document: those at the root, and those below `docs/`.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(PathBuf::from).into();
    collect(Path::new("docs"), &mut paths);
    paths.sort();
    paths.into_iter().map(Page::read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

#[test]
fn anchors_are_those_of_github() {
    let page = Page {
        path: "docs/x.md".into(),
        text: "# `urn:orderflow:problem:not-found`\n## A, b & c\n```sh\n# no heading\n```\n## A, b & c\n"
            .to_owned(),
    };
    let expected = ["urnorderflowproblemnot-found", "a-b--c", "a-b--c-1"].map(str::to_owned);
    assert_eq!(page.anchors(), BTreeSet::from(expected));
}

#[test]
fn links_are_found_outside_code() {
    let page = Page {
        path: "docs/x.md".into(),
        text: "[a](../b.md#c), `[d](e.md)`, [`f`](g.md) [h](https://h)\n```sh\n[i](j.md)\n```\n<img src=\"k.svg\">\n"
            .to_owned(),
    };
    assert_eq!(page.links(), [(1, "../b.md#c"), (1, "g.md"), (5, "k.svg")]);
    assert_eq!(page.resolve("../b.md"), Path::new("b.md"));
}
