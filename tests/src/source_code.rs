//! Reads the source code of this repository.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the string literals of a source before its tests that look like names of environment variables, except those that cargo sets.
pub fn variables(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let texts = code.split('"').skip(1).step_by(2);
    let spelt = |text: &&str| {
        let begins_with_letter =
            text.starts_with(|c: char| c.is_ascii_uppercase()) && !text.starts_with("CARGO_");
        begins_with_letter
            && text.contains('_')
            && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    texts.filter(spelt).map(str::to_owned).collect()
}

/// Returns all files in a folder and its subfolders, except tests.
///
/// # Errors
/// The folder cannot be read.
pub fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if !name.contains("test") {
            files.push(path);
        }
    }
    Ok(files)
}
