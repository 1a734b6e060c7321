//! One request for each operation of the OpenAPI document, with the examples of the document.

use serde_json::Value;

/// The value of a variable for which the document has no example.
const PLACEHOLDER: &str = "00000000-0000-0000-0000-000000000000";

/// An operation that needs one of two parameters, which the document cannot say, and the one that is sent.
const NEEDS_ONE: (&str, &str) = ("listPayments", "order_id");

/// A request that shows an operation.
pub(super) struct Sample {
    pub tag: String,
    pub operation: String,
    pub summary: String,
    pub method: String,
    /// The path, with `{{NAME}}` for each variable.
    pub path: String,
    pub variables: Vec<Variable>,
    pub query: Vec<Parameter>,
    pub headers: Vec<Parameter>,
    pub body: Option<Value>,
    pub takes_token: bool,
}

/// A variable of the files, which stands for a part of a path.
#[derive(Clone)]
pub(super) struct Variable {
    pub name: String,
    pub value: String,
}

/// A parameter of the query or a header.
pub(super) struct Parameter {
    pub name: String,
    pub value: String,
    pub description: String,
    pub is_required: bool,
}

/// A request as it is read from a file, with the values of its variables.
pub(super) struct Request {
    pub method: String,
    /// The path with its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Sample {
    /// Returns whether the server asks for a media type also where the request has no body.
    pub(super) fn changes_something(&self) -> bool {
        self.method != "GET"
    }
}

/// Returns the variables of all requests, each once.
pub(super) fn variables(samples: &[Sample]) -> Vec<Variable> {
    let mut variables: Vec<Variable> = Vec::new();
    for variable in samples.iter().flat_map(|sample| &sample.variables) {
        if !variables.iter().any(|known| known.name == variable.name) {
            variables.push(variable.clone());
        }
    }
    variables
}

/// Returns a request for each operation, by tag in the order of the document's tags.
pub(super) fn samples() -> Vec<Sample> {
    let document: Value = serde_json::from_str(orderflow_documents::OPENAPI).unwrap();
    let mut samples: Vec<Sample> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            samples.push(Described { document: &document, operation }.sample(method, path));
        }
    }
    let tags: Vec<&str> =
        document["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    samples.sort_by_key(|sample| tags.iter().position(|tag| *tag == sample.tag));
    samples
}

/// An operation, and the document that its references point into.
struct Described<'a> {
    document: &'a Value,
    operation: &'a Value,
}

impl<'a> Described<'a> {
    fn sample(&self, method: &str, path: &str) -> Sample {
        let text = |name: &str| self.operation[name].as_str().unwrap().to_owned();
        let (path, variables) = self.filled(path);
        Sample {
            tag: self.operation["tags"][0].as_str().unwrap().to_owned(),
            operation: text("operationId"),
            summary: text("summary"),
            method: method.to_ascii_uppercase(),
            path,
            variables,
            query: self.parameters("query"),
            headers: self.parameters("header"),
            body: self.body(),
            takes_token: self.operation["security"]
                .as_array()
                .is_some_and(|alternatives| !alternatives.is_empty()),
        }
    }

    fn resolved(&self, value: &'a Value) -> &'a Value {
        let pointer = value["$ref"].as_str().map(|path| path.trim_start_matches('#'));
        pointer.map_or(value, |pointer| self.document.pointer(pointer).unwrap())
    }

    /// Replaces the parameters of a path by variables of the files.
    fn filled(&self, path: &str) -> (String, Vec<Variable>) {
        let mut variables = Vec::new();
        let (mut resource, mut filled) = ("", Vec::new());
        for segment in path.split('/') {
            let Some(parameter) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                resource = segment;
                filled.push(segment.to_owned());
                continue;
            };
            let name = variable_name(resource, parameter);
            let value = self.example_of(parameter);
            filled.push(format!("{{{{{name}}}}}"));
            variables.push(Variable {
                name,
                value: if value.is_empty() { PLACEHOLDER.to_owned() } else { value },
            });
        }
        (filled.join("/"), variables)
    }

    fn described(&self) -> impl Iterator<Item = &'a Value> {
        let parameters = self.operation["parameters"].as_array().into_iter().flatten();
        parameters.map(|parameter| self.resolved(parameter))
    }

    fn example_of(&self, name: &str) -> String {
        self.described().find(|parameter| parameter["name"] == name).map(|found| self.example(found)).unwrap()
    }

    fn parameters(&self, place: &str) -> Vec<Parameter> {
        let described = self.described().filter(|parameter| parameter["in"] == place);
        described.map(|found| self.parameter(found)).collect()
    }

    fn parameter(&self, found: &'a Value) -> Parameter {
        let name = found["name"].as_str().unwrap();
        let is_needed = (self.operation["operationId"].as_str().unwrap(), name) == NEEDS_ONE;
        Parameter {
            name: name.to_owned(),
            // The order of the other requests.
            value: if name == "order_id" { "{{order_id}}".to_owned() } else { self.example(found) },
            description: found["description"].as_str().unwrap_or_default().replace('\n', " "),
            is_required: is_needed || found["required"] == true,
        }
    }

    /// Returns the example of a parameter, or else its first possible value; empty if the document has none.
    fn example(&self, parameter: &'a Value) -> String {
        let schema = self.resolved(&parameter["schema"]);
        let values = [&parameter["example"], &schema["examples"][0], &schema["enum"][0]];
        values.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Returns the example of the body. A body that may be left out and has no example is left out.
    fn body(&self) -> Option<Value> {
        let body = &self.operation["requestBody"];
        let content = body["content"].get("application/json")?;
        let named = content["examples"].as_object().and_then(|examples| examples.values().next());
        let example =
            named.map_or(&self.resolved(&content["schema"])["examples"][0], |named| &named["value"]);
        match example {
            Value::Null if body["required"] == true => Some(Value::Object(serde_json::Map::new())),
            Value::Null => None,
            example => Some(example.clone()),
        }
    }
}

/// Returns the name of the variable for a parameter of a path: an `id` is named after its resource.
fn variable_name(resource: &str, parameter: &str) -> String {
    match parameter {
        "id" => format!("{}_id", resource.trim_end_matches('s').replace('-', "_")),
        name => name.to_owned(),
    }
}
