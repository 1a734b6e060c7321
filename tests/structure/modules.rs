//! The modules of a crate import each other without cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::layers::packages;
use crate::source::{CrateModules, ModulePath};

/// Returns the root files of a package's library, program and bundles.
fn roots(package: &Path) -> Vec<PathBuf> {
    let source = package.join("src");
    let bundles = fs::read_dir(source.join("bin")).into_iter().flatten().map(|entry| entry.unwrap().path());
    ["lib.rs", "main.rs"]
        .map(|name| source.join(name))
        .into_iter()
        .chain(bundles)
        .filter(|root| root.is_file())
        .collect()
}

/// The modules that each module of a crate imports.
type Graph<'a> = BTreeMap<&'a [String], BTreeSet<&'a [String]>>;

/// Returns the groups of modules that import each other, directly or through others of the group.
///
/// A child module may use its parent's items, and a parent its children's: such imports do not count.
fn cycles(imports: &BTreeSet<(ModulePath, ModulePath)>) -> Vec<Vec<String>> {
    let mut graph = Graph::new();
    for (from, to) in imports.iter().filter(|(from, to)| !from.starts_with(to) && !to.starts_with(from)) {
        graph.entry(from).or_default().insert(to);
    }
    let mut found = Vec::new();
    let mut seen: BTreeSet<&[String]> = BTreeSet::new();
    for &start in graph.keys() {
        let cycle: Vec<&[String]> = reached(&graph, start)
            .into_iter()
            .filter(|&other| reached(&graph, other).contains(start))
            .collect();
        if cycle.len() > 1 && cycle.iter().all(|module| seen.insert(module)) {
            found.push(cycle.iter().map(|module| module.join("::")).collect());
        }
    }
    found
}

/// Returns the modules that a module imports, directly or not.
fn reached<'a>(graph: &Graph<'a>, start: &'a [String]) -> BTreeSet<&'a [String]> {
    let mut open = vec![start];
    let mut found = BTreeSet::new();
    while let Some(next) = open.pop() {
        for imported in graph.get(next).into_iter().flatten() {
            if found.insert(*imported) {
                open.push(imported);
            }
        }
    }
    found
}

#[test]
fn no_crate_has_a_module_cycle() {
    let mut found = Vec::new();
    for package in packages().values() {
        for root in roots(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&package.folder)) {
            let modules = CrateModules::read(&root);
            for cycle in cycles(&modules.imports()) {
                let root = root.file_name().unwrap().display();
                found.push(format!("{}/src/{root}: {}", package.folder, cycle.join(" <-> ")));
            }
        }
    }
    assert!(found.is_empty(), "modules that import each other:\n{}", found.join("\n"));
}
