//! Reads the shell blocks of the documents.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A document with its shell blocks.
pub(crate) struct Page {
    /// The path from the root of the repository.
    pub path: String,
    pub blocks: Vec<Block>,
}

/// A block of shell commands.
pub(crate) struct Block {
    /// What follows `sh`: `run`, `run=broker`, or `needs=` with a list.
    pub mark: String,
    pub text: String,
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(ROOT).unwrap().display().to_string();
        Self { path, blocks: blocks(&text) }
    }

    /// Returns the texts of the blocks with this mark, in order.
    pub(crate) fn script(&self, mark: &str) -> Option<String> {
        let marked: Vec<&str> =
            self.blocks.iter().filter(|block| block.mark == mark).map(|block| block.text.as_str()).collect();
        (!marked.is_empty()).then(|| marked.concat())
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        if let Some(mark) = info.strip_prefix("sh") {
            blocks.push(Block { mark: mark.trim().to_owned(), text });
        }
    }
    blocks
}

/// Returns every document: those at the root, and those below `docs/`.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md"].iter().map(|name| Path::new(ROOT).join(name)).collect();
    collect(&Path::new(ROOT).join("docs"), &mut paths);
    paths.sort();
    paths.iter().map(|path| Page::read(path)).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

#[test]
fn blocks_keep_their_marks() {
    let blocks = blocks("```sh run\na\n```\n```text\nb\n```\n```sh needs=docker\nc \\\n  d\n```\n");
    let read: Vec<_> = blocks.iter().map(|block| (block.mark.as_str(), block.text.as_str())).collect();
    assert_eq!(read, [("run", "a\n"), ("needs=docker", "c \\\n  d\n")]);
}
