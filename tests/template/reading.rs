//! Reads the template and the code that it deploys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// A function of the template.
pub(crate) struct Function {
    pub resource: String,
    pub bundle: String,
    pub metadata: Value,
    pub properties: Value,
}

/// Reads the template and ignores YAML tags, so that `!Ref Prefix` is read as `Prefix`.
pub(crate) fn template() -> Value {
    serde_saphyr::from_str(&read("template.yaml")).unwrap()
}

pub(crate) fn read(file: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the resources of a type, by their name in the template.
pub(crate) fn resources(of_type: &str) -> Map<String, Value> {
    let mut template = template();
    let resources = template["Resources"].as_object_mut().unwrap();
    std::mem::take(resources).into_iter().filter(|(_, resource)| resource["Type"] == of_type).collect()
}

/// Returns the only resource of a type whose property has this value.
pub(crate) fn resource(of_type: &str, property: &str, value: &str) -> (String, Value) {
    let found = resources(of_type).into_iter().filter(|(_, found)| found["Properties"][property] == value);
    let mut found: Vec<_> = found.map(|(name, resource)| (name, resource["Properties"].clone())).collect();
    assert_eq!(found.len(), 1, "{of_type} with {property} {value}");
    found.remove(0)
}

/// Returns the functions, by bundle.
pub(crate) fn functions() -> BTreeMap<String, Function> {
    let functions = resources("AWS::Serverless::Function").into_iter().map(|(resource, found)| {
        let metadata = found["Metadata"].clone();
        let bundle = metadata["BuildProperties"]["Binary"].as_str().unwrap().to_owned();
        (bundle.clone(), Function { resource, bundle, metadata, properties: found["Properties"].clone() })
    });
    functions.collect()
}

impl Function {
    /// Returns its environment variables, including those of all functions. A value that depends on a condition is returned as JSON.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let globals = template()["Globals"]["Function"]["Environment"]["Variables"].clone();
        let own = &self.properties["Environment"]["Variables"];
        let variables = [&globals, own].into_iter().filter_map(Value::as_object).flatten();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        variables.map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// Returns its triggers of a type.
    pub(crate) fn triggers(&self, of_type: &str) -> Vec<Value> {
        let events = self.properties["Events"].as_object().into_iter().flatten();
        let events = events.filter(|(_, event)| event["Type"] == of_type);
        events.map(|(_, event)| event["Properties"].clone()).collect()
    }
}

/// Returns the source of every bundle's `main`, by bundle.
pub(crate) fn binaries() -> BTreeMap<String, PathBuf> {
    let folders = std::fs::read_dir(root().join("functions")).unwrap().flatten();
    let binaries = folders.filter_map(|folder| std::fs::read_dir(folder.path().join("src/bin")).ok());
    let files = binaries.flat_map(|files| files.flatten()).map(|file| file.path());
    files.map(|file| (file.file_stem().unwrap().to_string_lossy().into_owned(), file)).collect()
}

/// Reads a list of texts.
pub(crate) fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}
