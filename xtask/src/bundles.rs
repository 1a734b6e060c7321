//! The Lambda bundles of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// A binary that is deployed as one Lambda function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bundle {
    /// The name of the binary and of its sample event.
    pub(crate) name: String,
    /// The folder of the crate that builds it.
    pub(crate) folder: PathBuf,
}

impl Bundle {
    /// Returns the function's name in template.yaml: `OrderIntakeFunction` for `order-intake`.
    pub(crate) fn function(&self) -> String {
        let words =
            self.name.split('-').filter_map(|word| Some((word.get(..1)?.to_uppercase(), word.get(1..)?)));
        words.map(|(first, rest)| first + rest).chain(["Function".to_owned()]).collect()
    }
}

/// Returns all bundles, sorted by name.
pub(crate) fn bundles(workspace: &Workspace) -> Result<Vec<Bundle>> {
    let mut found = Vec::new();
    for folder in entries(&workspace.resolve("functions"))? {
        let binaries = folder.join("src/bin");
        // A crate without bundles is a library for those of other crates.
        let binaries = if binaries.is_dir() { entries(&binaries)? } else { Vec::new() };
        let names = binaries.iter().filter_map(|binary| Some(binary.file_stem()?.to_str()?.to_owned()));
        found.extend(names.map(|name| Bundle { name, folder: folder.clone() }));
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundle_has_a_function_in_the_template_and_a_sample_event() {
        let workspace = Workspace::locate();
        let template = fs::read_to_string(workspace.resolve("template.yaml")).unwrap();
        let bundles = bundles(&workspace).unwrap();
        assert_eq!(bundles.len(), template.matches("Type: AWS::Serverless::Function\n").count());
        for bundle in bundles {
            assert!(template.contains(&format!("\n  {}:\n", bundle.function())), "{bundle:?}");
            assert!(workspace.resolve(format!("events/{}.json", bundle.name)).is_file(), "{bundle:?}");
        }
    }
}
