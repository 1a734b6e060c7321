//! The code of this repository, as text.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The texts in a source, up to its tests, that are spelt as environment variables are; without those that cargo sets for the compiler.
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

/// The files of a folder, however deep, without tests.
///
/// # Errors
/// Where the folder cannot be read.
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
