//! Reads the source code of this repository.

use std::io;
use std::path::{Path, PathBuf};

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
